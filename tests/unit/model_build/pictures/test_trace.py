import dataclasses

import numpy as np
import pytest

from model_build.pictures.material import Material, matte, metal
from model_build.pictures.scene import Camera, Lamp, Room, Scene, Table
from model_build.pictures.things.rounds import Ball
from model_build.pictures.trace import Tracer
from model_build.pictures.vector import Vectors, normalised

_GREY = matte(0.5, 0.5, 0.5)
_WINDOW = Lamp(azimuth_deg=90, elevation_deg=45, half_width_deg=15, half_height_deg=15, radiance=10)
_FRONT = np.array([[0.0, 2.0, 10.0]])


def _scene(skin: Material) -> Scene:
    return Scene(
        thing=Ball(skin=skin, patch=skin, radius=2.0),
        table=Table(material=_GREY),
        room=Room(wall=(0.1, 0.2, 0.3), ceiling=(0.1, 0.2, 0.3), lamps=(_WINDOW,)),
        camera=Camera(elevation_deg=20, distance=20, look_at=2),
    )


def _light(scene: Scene, origin: Vectors, toward: tuple[float, float, float], bounces: int = 1) -> Vectors:
    direction = normalised(np.array([toward]) - origin)
    light: Vectors = Tracer(scene=scene, ray_width=0.001).radiance(origin, direction, bounces=bounces)[0]
    return light


def test_a_ray_past_everything_shows_the_wall() -> None:
    np.testing.assert_allclose(_light(_scene(_GREY), _FRONT, (0, 30, -10)), [0.1, 0.2, 0.3])


def test_the_far_table_fades_into_the_wall() -> None:
    far = _light(_scene(_GREY), np.array([[9.0, 1.0, 0.0]]), (9, 0, -249.0))
    np.testing.assert_allclose(far, [0.1, 0.2, 0.3], atol=0.01)


@pytest.mark.parametrize("bounces", [0, 1])
def test_a_chromed_ball_mirrors_the_wall_behind_the_camera(bounces: int) -> None:
    shown = _light(_scene(metal(1, 1, 1)), _FRONT, (0, 3.0, 0), bounces)
    np.testing.assert_allclose(shown / shown[0], [1, 2, 3], rtol=0.2)


def test_the_side_toward_the_window_is_brighter() -> None:
    scene = _scene(_GREY)
    assert _light(scene, _FRONT, (1.2, 2.6, 0)).sum() > 2 * _light(scene, _FRONT, (-1.2, 2.6, 0)).sum()


def test_the_table_is_darker_in_the_shadow_of_the_ball() -> None:
    scene = _scene(_GREY)
    shadow, open_table = _light(scene, _FRONT, (-2.5, 0, 0)), _light(scene, _FRONT, (8, 0, 0))
    assert shadow.sum() < 0.5 * open_table.sum()


def test_a_glossy_table_shows_the_ball_and_a_dull_one_does_not() -> None:
    dull = _scene(matte(0.9, 0.0, 0.0))
    glossy = dataclasses.replace(dull, table=Table(material=Material((0.5, 0.5, 0.5))))
    before_ball = (0.0, 0.0, 3.0)
    glossy_red, glossy_green, _ = _light(glossy, _FRONT, before_ball)
    dull_red, dull_green, _ = _light(dull, _FRONT, before_ball)
    assert glossy_red / glossy_green > dull_red / dull_green
