"""A real classifier, trained on photographs, must believe what the tests ask about."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from model_build.pictures.scenes import FIT, HELD_OUT

_REPOSITORY = Path(__file__).parents[4]
_SQUEEZENET = _REPOSITORY.parent / "shared" / "models" / "squeezenet1.1.onnx"
_DRINKS = {504, 505, 968}

Scores: TypeAlias = NDArray[np.float32]
Classifier: TypeAlias = Callable[[Image.Image], Scores]
Geometry: TypeAlias = Callable[[Image.Image], Image.Image]


def _cropped(image: Image.Image) -> Image.Image:
    """As the `imagenet` preprocessing frames a square picture."""
    return image.resize((256, 256), Image.Resampling.BILINEAR).crop((16, 16, 240, 240))


def _squashed(image: Image.Image) -> Image.Image:
    """As the `inception` preprocessing frames any picture."""
    return image.resize((224, 224), Image.Resampling.BILINEAR)


def _through_jpeg(image: Image.Image) -> Image.Image:
    squeezed = io.BytesIO()
    image.save(squeezed, "JPEG", quality=50)
    return Image.open(squeezed).convert("RGB")


def _held_out(name: str) -> Image.Image:
    with Image.open(_REPOSITORY / "smoke_tests" / "data" / f"{name}.png") as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def squeezenet() -> Classifier:
    if not _SQUEEZENET.exists():
        pytest.skip(f"the real classifier is not on this machine: {_SQUEEZENET}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(_SQUEEZENET, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def scores(image: Image.Image) -> Scores:
        pixels = np.asarray(image, dtype=np.float32) / 255
        normalised = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        batch = normalised.transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        answer: Scores = session.run(None, {name: batch})[0].ravel()
        return answer

    return scores


@pytest.mark.parametrize("geometry", [_cropped, _squashed])
@pytest.mark.parametrize("name", HELD_OUT)
def test_squeezenet_calls_each_thing_by_its_name(squeezenet: Classifier, geometry: Geometry, name: str) -> None:
    image = _held_out(name)
    assert squeezenet(geometry(image)).argmax() == HELD_OUT[name].class_index
    assert squeezenet(geometry(_through_jpeg(image))).argmax() == HELD_OUT[name].class_index


@pytest.mark.parametrize("geometry", [_cropped, _squashed])
def test_squeezenet_ranks_the_mug_before_cup_before_anything_else(squeezenet: Classifier, geometry: Geometry) -> None:
    order = squeezenet(geometry(_held_out("mug"))).argsort()[::-1]
    assert order[:2].tolist() == [504, 968]


@pytest.mark.parametrize("geometry", [_cropped, _squashed])
def test_squeezenet_sees_no_drink_in_the_ball(squeezenet: Classifier, geometry: Geometry) -> None:
    first_five = squeezenet(geometry(_held_out("ball"))).argsort()[-5:]
    assert _DRINKS.isdisjoint(first_five.tolist())


def test_no_scene_of_the_fit_set_is_held_out() -> None:
    assert HELD_OUT.keys().isdisjoint(FIT)
    held_out = [shot.scene for shot in HELD_OUT.values()]
    assert not [name for name, shot in FIT.items() if shot.scene in held_out]


def test_no_two_scenes_are_the_same() -> None:
    scenes = [shot.scene for shot in FIT.values()]
    assert all(scene not in scenes[:index] for index, scene in enumerate(scenes))


def test_every_drink_is_seen_from_several_sides() -> None:
    for class_index in _DRINKS:
        shots = [shot for shot in FIT.values() if shot.class_index == class_index]
        assert len(shots) >= 6
        assert {abs(shot.scene.yaw_deg) > 90 for shot in shots} == {True, False}
