from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_build.pictures.render import image_from_scene
from model_build.pictures.scenes import FIT, HELD_OUT

_REPOSITORY = Path(__file__).parents[4]


def test_a_scene_renders_to_the_same_bytes_each_time() -> None:
    scene = HELD_OUT["mug"].scene
    assert image_from_scene(scene, 48).tobytes() == image_from_scene(scene, 48).tobytes()


@pytest.mark.parametrize(
    ("name", "committed"),
    [
        ("mug", "smoke_tests/data/mug.png"),
        ("ball", "smoke_tests/data/ball.png"),
        ("coffeepot-1", "model_build/pictures/data/coffeepot-1.png"),
        ("dumbbell-3", "model_build/pictures/data/dumbbell-3.png"),
    ],
)
def test_the_committed_picture_is_of_its_scene(name: str, committed: str) -> None:
    rendered = image_from_scene((HELD_OUT | FIT)[name].scene, 96)
    with Image.open(_REPOSITORY / committed) as picture:
        expected = picture.convert("RGB").resize((96, 96), Image.Resampling.BOX)
    difference = np.abs(np.asarray(rendered, dtype=np.int16) - np.asarray(expected, dtype=np.int16))
    assert difference.mean() < 2


def test_the_edge_of_the_ball_is_smooth() -> None:
    row = np.asarray(image_from_scene(HELD_OUT["ball"].scene, 64))[32, :, 0].astype(int)
    table, ball = row[0], row[20]
    assert any(table + 20 < value < ball - 20 for value in row[5:20])
