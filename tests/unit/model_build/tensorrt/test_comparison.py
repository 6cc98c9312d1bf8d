"""The rule that decides whether a plan is published, at its boundaries."""

from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from model_build.errors import AnswerError
from model_build.reference import Reference
from model_build.scoring import Scores
from model_build.tensorrt.comparison import compared_plan, comparison_images
from model_build.tensorrt.device import BatchProfile

LABELS = ("TENCH", "MUG", "CUP", "POT", "BALL", "VASE", "ROLL")
EXPECTED = np.array([[0, 9, 8, 7, 6, 5, 4.9], [0, 9, 8, 7, 6, 5, 4.9]], np.float32)


class Answers:
    """Scores by the picture's number, which is its first pixel; a stand-in for the classifier and for the device."""

    def __init__(self, rows: Scores) -> None:
        self._rows = rows
        self.batches: list[int] = []

    def scores(self, *arguments: Any) -> Scores:
        images = arguments[-1]
        self.batches.append(len(images))
        return self._rows[images[:, 0, 0, 0].astype(int)]


def compared(rows: Scores, *, tolerance: float = 0.25, largest: int = 64) -> tuple[Reference, list[int]]:
    images = {name: np.full((3, 224, 224), number, np.float32) for number, name in enumerate(("one", "two"))}
    device, classifier = cast("Any", Answers(rows)), cast("Any", Answers(EXPECTED))
    reference = compared_plan(
        b"plan",
        classifier,
        device,
        images,
        profile=BatchProfile(typical=1, largest=largest),
        labels=LABELS,
        tolerance=tolerance,
    )
    return reference, device.batches


def changed(row: int, **scores: float) -> Scores:
    rows = EXPECTED.copy()
    for label, score in scores.items():
        rows[row, LABELS.index(label)] = score
    return rows


def test_the_worst_difference_is_kept_with_the_tolerance() -> None:
    reference, batches = compared(changed(1, CUP=8.125))
    assert reference == Reference(max_abs_difference=0.125, tolerance=0.25)
    assert batches == [1, 1, 2]


@pytest.mark.parametrize("wrong_batch", [1, 2])
def test_each_optimization_profile_must_answer(wrong_batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Answers.scores

    def scores(answers: Answers, *arguments: Any) -> Scores:
        wrong = len(arguments) > 1 and len(arguments[-1]) == wrong_batch
        return right(answers, *arguments) + np.float32(wrong)

    monkeypatch.setattr(Answers, "scores", scores)
    with pytest.raises(AnswerError, match=r"worst difference is 1, one, class 0"):
        compared(EXPECTED)


def test_pictures_go_in_the_largest_batches_that_the_plan_takes() -> None:
    assert compared(EXPECTED, largest=1)[1] == [1, 1]


@pytest.mark.parametrize(("score", "accepted"), [(0.25, True), (-0.25, True), (0.2501, False), (-0.2501, False)])
def test_a_score_may_differ_by_the_tolerance(score: float, *, accepted: bool) -> None:
    if accepted:
        compared(changed(1, TENCH=score))
    else:
        reason = (
            r"worst difference is 0\.2501, two, class 0 \(TENCH\): the plan gives -?0\.2501.., ONNX Runtime 0\.0000"
        )
        with pytest.raises(AnswerError, match=reason):
            compared(changed(1, TENCH=score))


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_fails_whatever_the_tolerance(score: float) -> None:
    with pytest.raises(AnswerError, match=r"^the plan answers NaN or infinity in 1 of 14 scores, first two$"):
        compared(changed(1, ROLL=score), tolerance=1e9)


def test_classes_that_the_reference_has_close_together_may_change_places() -> None:
    compared(changed(0, VASE=4.85, ROLL=4.95))


def test_classes_that_the_reference_has_clearly_apart_keep_their_order() -> None:
    rows = changed(1, MUG=8.4, CUP=8.5)
    reason = (
        r"does not put class 1 \(MUG, plan 8\.400000, ONNX Runtime 9\.000000\) before class 2 \(CUP, plan 8\.500000, "
        r"ONNX Runtime 8\.000000\), two; accepted: ONNX Runtime's order where the scores differ by more than 0\.75; "
        r"the worst difference is 0\.6, two, class 1 \(MUG\)"
    )
    with pytest.raises(AnswerError, match=reason):
        compared(rows, tolerance=0.75)


def test_a_class_from_behind_the_best_five_must_stay_there() -> None:
    with pytest.raises(AnswerError, match=r"does not put class 3 \(POT, .* before class 6 \(ROLL, "):
        compared(changed(0, POT=5.9, ROLL=6.0), tolerance=1.15)


def test_the_order_behind_the_best_five_does_not_count() -> None:
    compared(changed(1, TENCH=0.6, ROLL=0.4), tolerance=4.6)


def test_the_pictures_are_the_project_s_and_the_expected_one_under_both_preprocessings() -> None:
    images = comparison_images(Image.new("RGB", (300, 300)))
    assert list(images)[:4] == [
        "the expected image (imagenet)",
        "the expected image (inception)",
        "mug-1.png (imagenet)",
        "mug-1.png (inception)",
    ]
    assert {image.shape for image in images.values()} == {(3, 224, 224)}
    assert {image.dtype for image in images.values()} == {np.dtype(np.float32)}
