import numpy as np
import pytest

from model_build.pictures import march
from model_build.pictures.material import matte
from model_build.pictures.scene import Camera, Lamp, Room, Scene, Table
from model_build.pictures.things.rounds import Ball

_OVERHEAD = Lamp(azimuth_deg=0, elevation_deg=90, half_width_deg=10, half_height_deg=10, radiance=5)
_WHITE = matte(0.8, 0.8, 0.8)


@pytest.fixture
def scene() -> Scene:
    return Scene(
        thing=Ball(skin=_WHITE, patch=_WHITE, radius=2.0),
        table=Table(material=_WHITE),
        room=Room(wall=(0.5, 0.5, 0.5), ceiling=(0.5, 0.5, 0.5), lamps=(_OVERHEAD,)),
        camera=Camera(elevation_deg=20, distance=20, look_at=2),
    )


def test_rays_stop_on_the_ball_or_pass_it(scene: Scene) -> None:
    origins = np.array([[0.0, 2.0, 10.0], [0.0, 4.5, 10.0]])
    toward = np.array([[0.0, 0.0, -1.0], [0.0, 0.0, -1.0]])
    gone, hit = march.first_hit(scene, origins, toward, np.full(2, 100.0))
    assert hit.tolist() == [True, False]
    assert gone[0] == pytest.approx(8.0, abs=0.01)


def test_a_ray_stops_at_its_limit(scene: Scene) -> None:
    _, hit = march.first_hit(scene, np.array([[0.0, 2.0, 10.0]]), np.array([[0.0, 0.0, -1.0]]), np.array([5.0]))
    assert not hit.any()


def test_nothing_is_hit_where_nothing_stands(scene: Scene) -> None:
    empty = Scene(thing=None, table=scene.table, room=scene.room, camera=scene.camera)
    _, hit = march.first_hit(empty, np.array([[0.0, 0.1, 10.0]]), np.array([[0.0, 0.0, -1.0]]), np.full(1, 100.0))
    assert not hit.any()


def test_normals_point_away_from_the_middle(scene: Scene) -> None:
    outward = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    np.testing.assert_allclose(march.normals(scene, [0, 2, 0] + 2 * outward), outward, atol=1e-3)


def test_the_table_under_the_ball_is_in_its_shadow(scene: Scene) -> None:
    under_and_beside = np.array([[0.3, 0.0, 0.0], [9.0, 0.0, 0.0]])
    np.testing.assert_allclose(march.visibility(scene, under_and_beside, _OVERHEAD), [0, 1])


def test_the_table_sees_less_of_the_room_beside_the_ball(scene: Scene) -> None:
    places = np.array([[1.0, 0.0, 0.0], [9.0, 0.0, 0.0]])
    up = np.broadcast_to([0.0, 1.0, 0.0], places.shape)
    beside, away = march.openness(scene, places, up, above_table=False)
    assert beside < 0.9
    assert away == 1
