from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from tests.classifiers import COLOURS, FEATURES, colour_classifier, convolutional_classifier, with_external_weights

Array = NDArray[np.generic]
RANGES = {"0 to 1": (0, 1), "-1 to 1": (-1, 1), "0 to 255": (0, 255)}


def outputs_of(model: bytes | Path, images: Array) -> list[Any]:
    session = onnxruntime.InferenceSession(model)
    (image,) = session.get_inputs()
    return list(session.run(None, {image.name: images}))


def plain(
    *colours: tuple[int, ...], height: int = 224, width: int = 224, low: float = -1, high: float = 1,
    dtype: type[np.generic] = np.float32, channels_last: bool = False,
) -> Array:  # fmt: skip
    """Return a picture of each colour, whose 0 to 255 become `low` to `high`."""
    values = low + (high - low) * np.array(colours) / 255
    if channels_last:
        return np.broadcast_to(values[:, None, None], (len(values), height, width, values.shape[1])).astype(dtype)
    return np.broadcast_to(values[..., None, None], (*values.shape, height, width)).astype(dtype)


@pytest.mark.parametrize(("low", "high"), RANGES.values(), ids=RANGES)
@pytest.mark.parametrize("scores", ["logits", "probabilities"])
def test_each_colour_has_its_class(scores: Any, low: float, high: float) -> None:
    model = colour_classifier(classes=len(COLOURS), scores=scores)
    (answers,) = outputs_of(model, plain(*COLOURS.values(), low=low, high=high))
    assert answers.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    second, first = np.sort(answers, axis=1)[:, -2:].T
    assert (first - second).min() > 0.2


@pytest.mark.parametrize("classes", [5, 6, 1000])
def test_a_class_behind_the_colours_never_wins_and_has_a_score_of_its_own(classes: int) -> None:
    (answers,) = outputs_of(colour_classifier(classes=classes), plain(*COLOURS.values()))
    assert answers.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert all(len(set(row[5:])) == classes - 5 for row in answers)


def test_the_height_and_the_width_are_as_asked() -> None:
    for side in (299, (320, 240)):
        height, width = side if isinstance(side, tuple) else (side, side)
        (answers,) = outputs_of(colour_classifier(side=side), plain(COLOURS["green"], height=height, width=width))
        assert answers.shape == (1, 4)
        assert answers.argmax() == 2


def test_dynamic_sides_take_any() -> None:
    model = colour_classifier(dynamic_sides=True)
    for height, width in ((320, 240), (17, 40)):
        (answers,) = outputs_of(model, plain(COLOURS["blue"], height=height, width=width))
        assert answers.argmax() == 3
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match="Got: 240"):
        outputs_of(colour_classifier(), plain(COLOURS["blue"], width=240))


@pytest.mark.parametrize(("low", "high"), RANGES.values(), ids=RANGES)
def test_one_channel_tells_dark_from_bright(low: float, high: float) -> None:
    (answers,) = outputs_of(colour_classifier(channels=1, classes=2), plain((0,), (255,), low=low, high=high))
    assert answers.shape == (2, 2)
    assert answers.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize(
    ("dtype", "of"), [(TensorProto.FLOAT, np.float32), (TensorProto.FLOAT16, np.float16), (TensorProto.UINT8, np.uint8)]
)
def test_the_type_and_the_layout_are_as_asked(dtype: int, of: type[np.generic], *, channels_last: bool) -> None:
    model = colour_classifier(dtype=dtype, channels_last=channels_last, classes=5)
    images = plain(*COLOURS.values(), low=0, high=255, dtype=of, channels_last=channels_last)
    (answers,) = outputs_of(model, images)
    assert answers.dtype == (np.float16 if of == np.float16 else np.float32)
    assert answers.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_probabilities_sum_to_one_and_rank_as_the_logits() -> None:
    images = plain(*COLOURS.values())
    (logits,) = outputs_of(colour_classifier(), images)
    (probabilities,) = outputs_of(colour_classifier(scores="probabilities"), images)
    assert probabilities.sum(axis=1) == pytest.approx([1] * 5)
    assert np.log(probabilities) - logits == pytest.approx(
        np.broadcast_to((np.log(probabilities) - logits)[:, :1], (5, 4))
    )


def test_a_batch_of_one_is_declared() -> None:
    model = colour_classifier(batch=1)
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match="Got: 2 Expected: 1"):
        outputs_of(model, plain(*[COLOURS["red"]] * 2))
    assert outputs_of(model, plain(COLOURS["red"]))[0].argmax() == 1


def test_a_fixed_reshape_declares_any_batch_and_takes_one() -> None:
    model = colour_classifier(fixed_reshape=True)
    assert outputs_of(model, plain(COLOURS["red"]))[0].argmax() == 1
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail, match="cannot be reshaped"):
        outputs_of(model, plain(*[COLOURS["red"]] * 2))


def test_an_auxiliary_output_comes_second() -> None:
    images = plain(*COLOURS.values())
    answers, features = outputs_of(colour_classifier(classes=5, auxiliary="features"), images)
    assert answers.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert features.shape == (5, FEATURES)
    assert np.linalg.matrix_rank(features) == 3
    answers, others = outputs_of(colour_classifier(classes=5, auxiliary="logits"), images)
    assert answers.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    assert others.argmax(axis=1).tolist() == [1, 2, 3, 4, 0]


def test_scores_may_be_spatial_named_and_biased() -> None:
    model = colour_classifier(spatial_scores=True, input_name="image", output_name="answer", bias=100)
    session = onnxruntime.InferenceSession(model)
    (answers,) = session.run(["answer"], {"image": plain(COLOURS["red"])})
    (unbiased,) = outputs_of(colour_classifier(), plain(COLOURS["red"]))
    assert answers.shape == (1, 4, 1, 1)
    assert answers.reshape(1, 4) == pytest.approx(unbiased + 100)
    (nothing,) = outputs_of(colour_classifier(bias=float("nan")), plain(COLOURS["red"]))
    assert np.isnan(nothing).all()


@pytest.mark.parametrize("build", [colour_classifier, convolutional_classifier])
def test_the_bytes_are_the_same_each_time(build: Any) -> None:
    assert build() == build()
    assert {opset.version for opset in onnx.load_model_from_string(build()).opset_import} == {13}


def test_a_seed_and_a_number_of_classes_make_another_network() -> None:
    images = np.random.default_rng(0).standard_normal((1, 3, 96, 96), np.float32)
    (answers,) = outputs_of(convolutional_classifier(side=96, classes=20), images)
    (others,) = outputs_of(convolutional_classifier(side=96, classes=20, seed=1), images)
    assert answers.shape == others.shape == (1, 20)
    assert abs(np.corrcoef(answers, others)[0, 1]) < 0.6


def test_the_convolutional_classifier_sees_colours_and_where_they_are() -> None:
    random = np.random.default_rng(0)
    picture = np.repeat(random.uniform(-2, 2, (1, 3, 224, 14)), 16, axis=3).astype(np.float32)
    shuffled = picture.reshape(1, 3, -1)[..., random.permutation(224 * 224)].reshape(picture.shape)
    pictures = np.concatenate([picture, picture[:, ::-1], picture.transpose(0, 1, 3, 2), shuffled])
    (answers,) = outputs_of(convolutional_classifier(), pictures)
    right, *others = answers
    for other in others:
        assert np.abs(other - right).max() > 0.5 * right.std()


def test_unlike_pictures_get_unlike_scores() -> None:
    random = np.random.default_rng(0)
    tinted = random.uniform(-2, 2, (8, 3, 1, 1)) + random.uniform(-1, 1, (8, 3, 224, 224))
    (answers,) = outputs_of(convolutional_classifier(), tinted.astype(np.float32))
    assert 0.5 < answers.std(axis=1).min() < answers.std(axis=1).max() < 10
    assert len(set(answers.argmax(axis=1))) > 4
    assert np.median(np.corrcoef(answers)) < 0.5


def test_the_convolutional_probabilities_are_those_of_its_logits() -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32)
    (logits,) = outputs_of(convolutional_classifier(), images)
    (probabilities,) = outputs_of(convolutional_classifier(probabilities=True), images)
    exponentials = np.exp(logits)
    assert probabilities == pytest.approx(exponentials / exponentials.sum(axis=1, keepdims=True), rel=1e-4)


@pytest.mark.parametrize("build", [colour_classifier, convolutional_classifier])
def test_weights_lie_in_a_second_file(build: Any, tmp_path: Path) -> None:
    images = plain(*COLOURS.values())
    path = with_external_weights(build(), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx", "model.onnx.data"]
    assert all(tensor.external_data for tensor in onnx.load(path, load_external_data=False).graph.initializer)
    assert np.array_equal(outputs_of(path, images)[0], outputs_of(build(), images)[0])
    (tmp_path / "model.onnx.data").unlink()
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.Fail):
        outputs_of(path, images)
