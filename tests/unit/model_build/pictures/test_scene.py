import numpy as np
import pytest

from model_build.pictures.scene import Camera, Lamp, Room
from model_build.pictures.vector import direction

_LAMP = Lamp(azimuth_deg=-50, elevation_deg=40, half_width_deg=16, half_height_deg=20, radiance=8)


def test_the_middle_ray_meets_what_the_camera_looks_at() -> None:
    camera = Camera(elevation_deg=30, distance=40, look_at=5, aside=1)
    origins, directions = camera.rays(np.zeros(1), np.zeros(1))
    np.testing.assert_allclose(origins + 40 * directions, [[1, 5, 0]], atol=1e-9)


def test_rays_to_the_right_and_up_go_right_and_up() -> None:
    _, directions = Camera(elevation_deg=0, distance=40, look_at=5).rays(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert directions[0, 0] > 0
    assert directions[1, 1] > 0


def test_a_lamp_is_seen_where_it_is_and_nowhere_else() -> None:
    seen = _LAMP.seen(np.stack([_LAMP.toward, direction(-20, 40), direction(-50, 70)]))
    np.testing.assert_allclose(seen, [8, 0, 0])


def test_a_lamp_lights_by_what_it_fills_of_the_sky() -> None:
    wider = Lamp(azimuth_deg=-50, elevation_deg=40, half_width_deg=32, half_height_deg=20, radiance=8)
    assert wider.irradiance == pytest.approx(2 * _LAMP.irradiance)


def test_a_room_is_its_wall_at_the_horizon_and_its_ceiling_overhead() -> None:
    room = Room(wall=(0.1, 0.2, 0.3), ceiling=(0.4, 0.5, 0.6), lamps=())
    light = room.radiance(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(light, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
