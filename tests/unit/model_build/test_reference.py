from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.comparison import Tolerance
from contract.expectation import Expectation
from contract.pictures import picture_from_bytes
from contract.preprocessing import preprocessing_from_value
from model_build.adapt import ADAPTED_TOLERANCE, original_from_onnx
from model_build.errors import AnswerError
from model_build.reference import (
    Run,
    Yardstick,
    adapted_classifier,
    check_answer,
    reference_from_scores,
    yardstick_from_original,
)
from model_build.scoring import Scores
from tests.classifiers import convolutional_classifier
from tests.wrong_classifiers import (
    with_flattened_probabilities,
    with_half_the_stem,
    with_permuted_lesser_scores,
    with_reversed_channels,
    with_scaled_stem,
)

LABELS = ("TENCH", "MUG", "CUP", "POT")
PICTURE = Image.new("RGB", (300, 280), (250, 20, 10))
MUG = Expectation(class_index=1, label="MUG")
HALF_PRECISION = Tolerance(largest=0.1, cosine=0.9995)
CLASSES = 1000
DATA = Path(__file__).resolve().parents[3] / "smoke_tests" / "data"


def scores(*values: float) -> Scores:
    return np.array(values, np.float32)


def yardstick_of(model: bytes) -> Yardstick:
    """Ask a model of a thousand classes about the project's mug and the comparison's own pictures."""
    picture = picture_from_bytes((DATA / "mug.png").read_bytes(), name="mug.png")
    preprocessing = preprocessing_from_value("imagenet", (3, 224, 224))
    original = original_from_onnx(model, name="the model")
    return yardstick_from_original(original, [picture], preprocessing, [str(index) for index in range(CLASSES)])


def run_of(model: bytes, yardstick: Yardstick) -> Run:
    """Ask another model about the same pictures."""
    return run(original_from_onnx(model, name="another").scores(yardstick.images))


def run(answers: Scores) -> Run:
    return range(len(answers)), answers


@pytest.mark.parametrize("probabilities", [False, True])
def test_the_model_itself_agrees(*, probabilities: bool) -> None:
    model = convolutional_classifier(probabilities=probabilities)
    yardstick = yardstick_of(model)
    assert yardstick.scale == ("probabilities" if probabilities else "logits")
    classifier, reference = adapted_classifier(original_from_onnx(model, name="the model"), yardstick, max_batch_size=4)
    assert classifier.batched
    assert reference.largest < ADAPTED_TOLERANCE.largest
    assert (reference.top, reference.tolerance) == (5, ADAPTED_TOLERANCE)


def _permuted(model: bytes, yardstick: Yardstick) -> bytes:
    return with_permuted_lesser_scores(model, expected=int(yardstick.scores[0].argmax()))


def _flattened(model: bytes, _: Yardstick) -> bytes:
    return with_flattened_probabilities(model, temperature=1.7)


@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize(
    "wrong",
    [
        _permuted,
        lambda model, _: with_reversed_channels(model),
        lambda model, _: with_half_the_stem(model),
        lambda model, _: with_scaled_stem(model, factor=0.5),
    ],
    ids=["permuted", "reversed channels", "half the stem", "halved stem"],
)
def test_a_wrong_model_is_refused_even_in_half_precision(
    wrong: Callable[[bytes, Yardstick], bytes], *, probabilities: bool
) -> None:
    model = convolutional_classifier(probabilities=probabilities)
    yardstick = yardstick_of(model)
    with pytest.raises(AnswerError, match=r"the plan does not answer as its original, .*: a score differs by"):
        reference_from_scores([run_of(wrong(model, yardstick), yardstick)], yardstick, HALF_PRECISION, who="the plan")


def test_flattened_probabilities_are_refused_even_in_half_precision() -> None:
    model = convolutional_classifier(probabilities=True)
    yardstick = yardstick_of(model)
    with pytest.raises(AnswerError, match="a score differs by"):
        reference_from_scores(
            [run_of(_flattened(model, yardstick), yardstick)], yardstick, HALF_PRECISION, who="the plan"
        )


def test_the_worst_of_all_runs_counts() -> None:
    yardstick = yardstick_of(convolutional_classifier())
    shifted = yardstick.scores.copy()
    shifted[2, 7] += 0.05 * shifted[2].std()
    reference = reference_from_scores([run(yardstick.scores), run(shifted)], yardstick, HALF_PRECISION, who="the plan")
    assert reference.largest == pytest.approx(0.05, rel=0.01)
    with pytest.raises(
        AnswerError, match=rf"original, {yardstick.names[2]}, one of \d+ at once: a score .*class 7 is 7"
    ):
        reference_from_scores([run(shifted)], yardstick, Tolerance(largest=0.04, cosine=0.9), who="the plan")


def test_a_picture_that_two_classes_share_is_no_reason_against_a_right_model() -> None:
    answers = np.array([[5, -4], [-3, 4], [1.001, 1], [-6, 5]], np.float32)
    yardstick = Yardstick(
        names=["first", "second", "between", "last"],
        images=np.zeros((4, 3, 8, 8), np.float32),
        scores=answers,
        scale="logits",
        labels=["MUG", "CUP"],
    )
    rounded = answers + np.array([[0, 0], [0, 0], [-0.001, 0.002], [0, 0]], np.float32)
    assert reference_from_scores([run(rounded)], yardstick, HALF_PRECISION, who="the plan").largest < 0.002
    wrong = answers[[0, 1, 3, 3]]
    with pytest.raises(AnswerError, match="original, between, one of 4 at once: a score differs by"):
        reference_from_scores([run(wrong)], yardstick, HALF_PRECISION, who="the plan")


def test_nan_differs_from_everything() -> None:
    yardstick = yardstick_of(convolutional_classifier())
    spoilt = yardstick.scores.copy()
    spoilt[0, 3] = np.nan
    with pytest.raises(AnswerError, match="class 3 scores nan"):
        reference_from_scores([run(spoilt)], yardstick, HALF_PRECISION, who="the plan")


def test_the_expected_answer_is_accepted() -> None:
    check_answer(scores(0, 9, 3, 1), LABELS, MUG)
    check_answer(scores(0, 9, 3, 1), LABELS, Expectation(class_index=1))


def test_another_class_is_refused_with_both_sides() -> None:
    with pytest.raises(AnswerError) as raised:
        check_answer(scores(0, 2, 3.5, 1), LABELS, MUG)
    assert str(raised.value) == (
        "the expected picture must be (1) = MUG, but the model answers "
        "3.500000 (2) = CUP, 2.000000 (1) = MUG, 1.000000 (3) = POT; first: class 2, expected 1"
    )


def test_the_right_class_under_a_permuted_label_is_refused_with_both_sides() -> None:
    with pytest.raises(AnswerError) as raised:
        check_answer(scores(0, 9, 3, 1), ("MUG", "TENCH", "CUP", "POT"), MUG)
    assert "must be (1) = MUG, but the model answers 9.000000 (1) = TENCH, " in str(raised.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(AnswerError, match="NaN or infinity in 1 of 4 scores"):
        check_answer(scores(bad, 9, 3, 1), LABELS, MUG)
