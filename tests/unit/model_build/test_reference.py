from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_build.adapt import classifier_from_original, original_from_onnx
from model_build.contract import SCORE_TOLERANCE
from model_build.errors import AnswerError
from model_build.reference import (
    check_answer,
    golden_input_from_picture,
    max_abs_difference,
    reference_from_models,
    top_table,
)
from model_build.scoring import Scores
from model_build.spec import Expectation

Tiny = Callable[..., bytes]
LABELS = ("TENCH", "MUG", "CUP", "POT")
PICTURE = Image.new("RGB", (300, 280), (250, 20, 10))
MUG = Expectation(class_index=1, label="MUG")


def scores(*values: float) -> Scores:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("bias", "accepted"),
    [(0, True), (SCORE_TOLERANCE * 0.99, True), (SCORE_TOLERANCE * 1.01, False), (np.nan, False)],
)
def test_the_adapted_model_may_differ_by_the_tolerance(tiny_classifier: Tiny, bias: float, *, accepted: bool) -> None:
    original = original_from_onnx(tiny_classifier(), name="tiny")
    other = original_from_onnx(tiny_classifier(), name="tiny")
    adapted = classifier_from_original(other, max_batch_size=0)
    biased = original_from_onnx(tiny_classifier(bias=bias), name="biased")
    if accepted:
        reference = reference_from_models(adapted, biased, PICTURE)
        assert reference.max_abs_difference == pytest.approx(bias, abs=1e-6)
        assert reference.tolerance == SCORE_TOLERANCE
    else:
        with pytest.raises(AnswerError, match=r"biased: the adapted model's scores differ .* accepted: up to"):
            reference_from_models(adapted, biased, PICTURE)
    assert reference_from_models(adapted, original, PICTURE).max_abs_difference < 1e-6


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [((1, 2), (1, 2), 0), ((1, 2), (1.5, 0), 2), ((3e38, 0), (-3e38, 0), 6e38)],
)
def test_the_largest_difference_counts(left: tuple[float, ...], right: tuple[float, ...], difference: float) -> None:
    assert max_abs_difference(scores(*left), scores(*right)) == pytest.approx(difference)


def test_nan_differs_from_everything() -> None:
    assert np.isnan(max_abs_difference(scores(1, np.nan), scores(1, np.nan)))


def test_the_expected_answer_is_accepted() -> None:
    check_answer(scores(0, 9, 3, 1), LABELS, MUG)
    check_answer(scores(0, 9, 3, 1), LABELS, Expectation(class_index=1, label=None))


def test_another_class_is_refused_with_both_sides() -> None:
    with pytest.raises(AnswerError) as raised:
        check_answer(scores(0, 2, 3.5, 1), LABELS, MUG)
    assert str(raised.value) == (
        "the expected image must be (1) = MUG, but the model answers "
        "3.500000 (2) = CUP, 2.000000 (1) = MUG, 1.000000 (3) = POT"
    )


def test_the_right_class_under_a_permuted_label_is_refused_with_both_sides() -> None:
    with pytest.raises(AnswerError) as raised:
        check_answer(scores(0, 9, 3, 1), ("MUG", "TENCH", "CUP", "POT"), MUG)
    assert "must be (1) = MUG, but the model answers 9.000000 (1) = TENCH, " in str(raised.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(AnswerError, match="NaN or infinity in 1 of 4 scores"):
        check_answer(scores(bad, 9, 3, 1), LABELS, MUG)


def test_equal_scores_keep_the_classes_order() -> None:
    assert top_table(scores(1, 1, 1, 1), LABELS).startswith("1.000000 (0) = TENCH, 1.000000 (1) = MUG")


def test_the_real_classifier_calls_the_real_mug_a_mug(shared_models: Path) -> None:
    original = original_from_onnx((shared_models / "squeezenet1.1.onnx").read_bytes(), name="squeezenet")
    classifier = classifier_from_original(original, max_batch_size=4)
    picture = Image.open(shared_models / "mug.jpg").convert("RGB")
    answer = classifier.scores(golden_input_from_picture(picture)[np.newaxis])[0]
    labels = (shared_models / "imagenet_labels.txt").read_text().splitlines()
    best = np.argsort(-answer)[:3]
    assert best.tolist() == [504, 968, 967]
    assert answer[best] == pytest.approx([27.43, 25.01, 22.94], abs=0.005)
    check_answer(answer, labels, Expectation(class_index=504, label="COFFEE MUG"))
    assert reference_from_models(classifier, original, picture).max_abs_difference < 1e-4
