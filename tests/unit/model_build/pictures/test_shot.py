import numpy as np
import pytest

from model_build.pictures.scenes import settings
from model_build.pictures.scenes.shot import SOUP_BOWL, VASE, bare, framed
from model_build.pictures.things.crockery import Bowl
from model_build.pictures.things.vessels import Vase


@pytest.mark.parametrize("fill", [0.5, 0.9])
def test_the_thing_fills_its_share_of_the_picture(fill: float) -> None:
    bowl = Bowl(glaze=settings.WHITE, soup=settings.RED)
    shot = framed(SOUP_BOWL, bowl, table=settings.OAK, room=settings.MORNING, elevation_deg=30, fill=fill)
    camera = shot.scene.camera
    half_picture = camera.distance * np.tan(np.radians(camera.field_deg / 2))
    assert bowl.bound.radius / half_picture == pytest.approx(fill)


def test_a_shot_is_of_the_thing_as_told() -> None:
    vase = Vase(glaze=settings.TEAL)
    shot = framed(VASE, vase, table=settings.PINE, room=settings.STUDIO, elevation_deg=10, fill=0.9, yaw_deg=30)
    assert shot.class_index == VASE
    assert (shot.scene.thing, shot.scene.yaw_deg) == (vase, 30)
    assert (shot.scene.table, shot.scene.room) == (settings.PINE, settings.STUDIO)


def test_a_bare_table_is_bare() -> None:
    assert bare(settings.OAK, room=settings.MORNING, elevation_deg=20, distance=40).scene.thing is None
