"""The rule that decides whether a plan is published: every batch that it takes, and every row of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.comparison import Tolerance
from contract.manifest import Reference
from contract.pictures import picture_from_bytes
from contract.preprocessing import preprocessing_from_value
from model_build.adapt import Classifier, classifier_from_original, original_from_onnx
from model_build.errors import AnswerError
from model_build.reference import Yardstick, yardstick_from_original
from model_build.scoring import Scores, Tensor
from model_build.tensorrt.comparison import compared_batches, compared_plan
from model_build.tensorrt.device import BatchProfile, Device
from model_build.tensorrt.precision import PRECISIONS, onnx_in_precision
from model_build.tensorrt.settings import ONE_IMAGE, build_settings
from tests.classifiers import convolutional_classifier
from tests.unit.model_build.onnx_device import OnnxDevice
from tests.wrong_classifiers import (
    with_flattened_probabilities,
    with_half_the_stem,
    with_permuted_lesser_scores,
    with_reversed_channels,
    with_shifted_rows,
)

SIDE = 64
CLASSES = 100
LABELS = tuple(f"LABEL {number}" for number in range(CLASSES))
BATCHES = BatchProfile(typical=8, largest=64)
FEW = BatchProfile(typical=2, largest=4)
HALF = PRECISIONS["fp16"].reference_tolerance
DATA = Path(__file__).resolve().parents[4] / "smoke_tests" / "data"


@dataclass(frozen=True)
class Measured:
    """A classifier, and what every plan of it must answer."""

    classifier: Classifier
    yardstick: Yardstick


def adapted(model: bytes, yardstick: Yardstick) -> Classifier:
    original = original_from_onnx(model, name="model")
    return classifier_from_original(original, yardstick.images, scale=yardstick.scale, max_batch_size=64)


def measured(model: bytes, *names: str) -> Measured:
    """Ask a model about some of the project's pictures and the comparison's own."""
    pictures = [picture_from_bytes((DATA / name).read_bytes(), name=name) for name in names]
    original = original_from_onnx(model, name="model")
    preprocessing = preprocessing_from_value("imagenet", (3, SIDE, SIDE))
    yardstick = yardstick_from_original(original, pictures, preprocessing, LABELS)
    return Measured(adapted(model, yardstick), yardstick)


def small_classifier(*, probabilities: bool = False) -> bytes:
    return convolutional_classifier(classes=CLASSES, side=SIDE, probabilities=probabilities)


@pytest.fixture(scope="module")
def logits() -> Measured:
    return measured(small_classifier(), "mug.png")


@pytest.fixture(scope="module")
def probabilities() -> Measured:
    return measured(small_classifier(probabilities=True), "mug.png")


def plan_of(onnx: bytes, device: Device) -> bytes:
    settings = build_settings((10, 13, 3), "fp32", batches=BATCHES, image_shape=(3, SIDE, SIDE), workspace_mib=1)
    return device.compile(onnx, settings, timing_cache=b"").plan


def compared(
    onnx: bytes,
    yardstick: Yardstick,
    device: Device | None = None,
    *,
    profile: BatchProfile = FEW,
    tolerance: Tolerance = HALF,
) -> Reference:
    """Compare the plan of a model on a device, ONNX Runtime where none is given."""
    device = device or OnnxDevice()
    return compared_plan(plan_of(onnx, device), device, yardstick, profile=profile, tolerance=tolerance)


@pytest.mark.parametrize(
    ("profile", "sizes"),
    [
        (ONE_IMAGE, [1]),
        (BatchProfile(typical=1, largest=2), [1, 2]),
        (BatchProfile(typical=2, largest=3), [1, 2, 3]),
        (BatchProfile(typical=8, largest=63), [*range(1, 64)]),
        (BATCHES, [*range(1, 65)]),
        (BatchProfile(typical=8, largest=65), [*range(1, 66)]),
        (BatchProfile(typical=8, largest=100), [*range(1, 66), 100]),
        (BatchProfile(typical=90, largest=129), [*range(1, 66), 90, 127, 128, 129]),
        (BatchProfile(typical=256, largest=300), [*range(1, 66), 127, 128, 129, 255, 256, 257, 300]),
    ],
    ids=lambda value: f"up to {value.largest}" if isinstance(value, BatchProfile) else "sizes",
)
def test_every_batch_is_run_and_beyond_64_those_where_kernels_change(profile: BatchProfile, sizes: list[int]) -> None:
    assert compared_batches(profile) == sizes


def test_every_image_is_asked_about_in_batches_of_every_size(logits: Measured) -> None:
    device = OnnxDevice()
    compared(logits.classifier.onnx, logits.yardstick, device, profile=BATCHES)
    count = len(logits.yardstick.images)
    assert device.batches == [size for size in range(1, 65) for _ in range(0, count, size)]


class Answers(OnnxDevice):
    """Answers each image of the yardstick by its own row of scores, whatever the plan."""

    def __init__(self, yardstick: Yardstick, rows: Scores) -> None:
        super().__init__()
        self._places = {image.tobytes(): place for place, image in enumerate(yardstick.images)}
        self._rows = rows

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        assert plan
        return self._rows[[self._places[image.tobytes()] for image in images]]


def answered(yardstick: Yardstick, rows: Scores, tolerance: Tolerance) -> Reference:
    return compared(b"", yardstick, Answers(yardstick, rows), tolerance=tolerance)


def moved(yardstick: Yardstick, *, spreads: float) -> Scores:
    """Move one score of the third picture by so many of its spreads."""
    rows = yardstick.scores.copy()
    rows[2, 7] += np.float32(spreads) * rows[2].std()
    return rows


@pytest.mark.parametrize(("spreads", "accepted"), [(0.0999, True), (-0.0999, True), (0.1001, False), (-0.1001, False)])
def test_a_score_may_differ_by_the_tolerance(logits: Measured, spreads: float, *, accepted: bool) -> None:
    yardstick, rows = logits.yardstick, moved(logits.yardstick, spreads=spreads)
    if accepted:
        reference = answered(yardstick, rows, HALF)
        assert reference.largest == pytest.approx(abs(spreads), rel=1e-3)
        assert (reference.top, reference.tolerance) == (5, HALF)
        assert HALF.cosine < reference.cosine < 1
    else:
        reason = (
            rf"^the plan does not answer as its original, {yardstick.names[2]}, one of 1 at once: a score differs by "
            r"0\.1 spreads, more than 0\.1; the worst is class 7: .*; class 7 is LABEL 7$"
        )
        with pytest.raises(AnswerError, match=reason):
            answered(yardstick, rows, HALF)


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_fails_whatever_the_tolerance(logits: Measured, score: float) -> None:
    rows = logits.yardstick.scores.copy()
    rows[1, 9] = score
    with pytest.raises(AnswerError, match=rf"one of 1 at once: class 9 scores {score}, .*; class 9 is LABEL 9$"):
        answered(logits.yardstick, rows, Tolerance(largest=1e30, cosine=1e-9))


def test_what_is_wrong_a_little_everywhere_fails(logits: Measured) -> None:
    """Each score is within the tolerance, and all of them together are not."""
    rows = logits.yardstick.scores.copy()
    rows += np.float32(0.09) * rows.std(axis=1, keepdims=True) * np.resize(np.float32([1, -1]), CLASSES)
    with pytest.raises(AnswerError, match=r"at once: the cosine is 0\.99\d+, less than 0\.9995; "):
        answered(logits.yardstick, rows, HALF)


class Rolling(OnnxDevice):
    """Gives, in batches of some sizes, each image the scores of another one."""

    def __init__(self, wrong: Callable[[int], bool], *, by: int = 1) -> None:
        super().__init__()
        self._wrong, self._by = wrong, by

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        rows = super().scores(plan, images)
        return np.roll(rows, self._by, axis=0) if self._wrong(len(images)) else rows


@pytest.mark.parametrize(
    ("wrong", "size"),
    [
        (lambda size: 2 <= size <= 63, 2),
        (lambda size: size == 2, 2),
        (lambda size: size == 37, 37),
        (lambda size: size == 63, 63),
        (lambda size: size == 64, 64),
    ],
    ids=["2 to 63", "2", "37", "63", "64"],
)
def test_rows_that_are_another_image_s_are_refused_with_the_batch(
    logits: Measured, wrong: Callable[[int], bool], size: int
) -> None:
    with pytest.raises(AnswerError, match=rf"original, .*, one of {size} at once: a score differs by"):
        compared(logits.classifier.onnx, logits.yardstick, Rolling(wrong), profile=BATCHES)


@pytest.mark.parametrize("by", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("count", [7, 8, 10])
def test_rows_of_an_image_far_away_are_refused_however_many_images_there_are(count: int, by: int) -> None:
    """The images come round again in a large batch: what is a round away must still be another image."""
    model = measured(small_classifier(), "mug.png", "cup.png")
    whole = model.yardstick
    yardstick = Yardstick(
        names=whole.names[:count],
        images=whole.images[:count],
        scores=whole.scores[:count],
        scale=whole.scale,
        labels=whole.labels,
    )
    device = Rolling(lambda size: size == 64, by=by)
    with pytest.raises(AnswerError, match="one of 64 at once: a score differs by"):
        compared(model.classifier.onnx, yardstick, device, profile=BATCHES)


def test_a_model_that_shifts_its_rows_is_refused_where_it_is_asked_for_batches(logits: Measured) -> None:
    wrong = with_shifted_rows(logits.classifier.onnx)
    assert compared(wrong, logits.yardstick, profile=ONE_IMAGE).largest < 0.001
    with pytest.raises(AnswerError, match="one of 2 at once"):
        compared(wrong, logits.yardstick)


class Rounding(OnnxDevice):
    """Rounds what comes in and goes out to half precision."""

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        rounded = images.astype(np.float16).astype(np.float32)
        return super().scores(plan, rounded).astype(np.float16).astype(np.float32)


@pytest.mark.parametrize("scale", ["logits", "probabilities"])
def test_half_precision_passes_as_such_and_not_as_single(request: pytest.FixtureRequest, scale: str) -> None:
    model: Measured = request.getfixturevalue(scale)
    assert model.yardstick.scale == scale
    half = onnx_in_precision(model.classifier, "fp16")
    reference = compared(half, model.yardstick, Rounding(), profile=BATCHES)
    assert 0 < reference.largest < HALF.largest
    assert reference.top >= 4
    with pytest.raises(AnswerError):
        compared(half, model.yardstick, Rounding(), tolerance=PRECISIONS["fp32"].reference_tolerance)


def permuted(model: bytes, yardstick: Yardstick) -> bytes:
    return with_permuted_lesser_scores(model, expected=int(yardstick.scores[0].argmax()))


@pytest.mark.parametrize("scale", ["logits", "probabilities"])
@pytest.mark.parametrize(
    "wrong",
    [permuted, lambda model, _: with_reversed_channels(model), lambda model, _: with_half_the_stem(model)],
    ids=["permuted", "reversed channels", "half the stem"],
)
def test_a_wrong_plan_is_refused_even_in_half_precision(
    request: pytest.FixtureRequest, scale: str, wrong: Callable[[bytes, Yardstick], bytes]
) -> None:
    yardstick: Yardstick = request.getfixturevalue(scale).yardstick
    model = wrong(small_classifier(probabilities=scale == "probabilities"), yardstick)
    with pytest.raises(AnswerError, match=r"^the plan does not answer as its original, .*one of 1 at once: a score"):
        compared(adapted(model, yardstick).onnx, yardstick)


def test_a_plan_that_is_less_sure_is_refused_even_in_half_precision() -> None:
    """Of a picture that is 0.99 of its class it makes 0.75, in the same order."""
    model = convolutional_classifier(probabilities=True)
    sure = np.full((1, 3, 224, 224), 1.5, np.float32)
    original, wrong = (
        original_from_onnx(each, name="model") for each in (model, with_flattened_probabilities(model, temperature=1.7))
    )
    scores, flattened = original.scores(sure), wrong.scores(sure)
    assert (float(scores.max()), float(flattened.max())) == pytest.approx((0.99, 0.73), abs=0.02)
    assert np.argsort(-scores[0])[:5].tolist() == np.argsort(-flattened[0])[:5].tolist()
    yardstick = Yardstick(
        names=["sure"], images=sure, scores=scores, scale="probabilities", labels=tuple(map(str, range(1000)))
    )
    with pytest.raises(AnswerError, match="sure, one of 1 at once: a score differs by"):
        compared(adapted(with_flattened_probabilities(model, temperature=1.7), yardstick).onnx, yardstick)


def test_rows_are_told_apart_where_the_expected_picture_is_its_own_mirror_image() -> None:
    """Two neighbours are then the same image."""
    yardstick = yardstick_from_original(
        original_from_onnx(small_classifier(), name="model"),
        [Image.new("RGB", (300, 280), (250, 20, 10))],
        preprocessing_from_value("imagenet", (3, SIDE, SIDE)),
        LABELS,
    )
    onnx = adapted(small_classifier(), yardstick).onnx
    for size in (2, 3, 37, 64):
        with pytest.raises(AnswerError, match=f"one of {size} at once"):
            compared(onnx, yardstick, Rolling(lambda asked, size=size: asked == size), profile=BATCHES)
