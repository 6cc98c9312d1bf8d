"""Right classifiers pass, and wrong ones are refused by their kind, in half and in single precision."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from contract.comparison import (
    LOGITS,
    PROBABILITIES,
    Tolerance,
    compared,
    disagreement,
    least_spread_of,
    ranked,
    scale_of_scores,
    spread_of,
)
from tests.classifiers import convolutional_classifier
from tests.wrong_classifiers import (
    with_flattened_probabilities,
    with_half_the_stem,
    with_permuted_lesser_scores,
    with_reversed_channels,
    with_scaled_stem,
    with_shifted_rows,
)

Scores = NDArray[np.float64]

HALF = Tolerance(largest=0.1, cosine=0.9995)
SINGLE = Tolerance(largest=0.005, cosine=0.99999)
TOLERANCES = pytest.mark.parametrize("tolerance", [HALF, SINGLE], ids=["half", "single"])
SCALES = pytest.mark.parametrize("scale", [LOGITS, PROBABILITIES])
PICTURES = 4


def softmax(logits: Scores) -> Scores:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def in_half_precision(scores: Scores) -> Scores:
    return scores.astype(np.float16).astype(np.float64)


def sure_of_one(*, classes: int, probability: float) -> Scores:
    """Return probabilities of which the first is as asked, and the others are unlike each other."""
    rest = np.random.default_rng(0).uniform(0.1, 1, classes - 1)
    return np.concatenate([[probability], rest / rest.sum() * (1 - probability)])


def difference(scores: Scores, golden: Scores, scale: str, tolerance: Tolerance) -> str:
    return disagreement(scores.tolist(), golden.tolist(), scale=scale, tolerance=tolerance)


@pytest.fixture(scope="module", params=[LOGITS, PROBABILITIES])
def scale(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def right(scale: str) -> bytes:
    return convolutional_classifier(probabilities=scale == PROBABILITIES)


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    coarse = random.uniform(-1, 1, (PICTURES, 3, 7, 7)).repeat(32, axis=2).repeat(32, axis=3)
    fine = random.uniform(-1, 1, (PICTURES, 3, 224, 224))
    return (random.uniform(-2, 2, (PICTURES, 3, 1, 1)) + coarse + fine).astype(np.float32)


@pytest.fixture(scope="module")
def golden(right: bytes, images: NDArray[np.float32]) -> Scores:
    return scores_of(right, images)


def scores_of(model: bytes, images: NDArray[np.float32]) -> Scores:
    (values,) = onnxruntime.InferenceSession(model).run(None, {"data": images})
    return np.asarray(values, np.float64)


def test_a_model_is_like_itself_and_its_scale_is_found(golden: Scores, scale: str) -> None:
    assert scale_of_scores(golden.tolist()) == scale
    for row in golden:
        assert difference(row, row, scale, SINGLE) == ""
        figures = compared(row.tolist(), row.tolist(), scale=scale)
        assert (figures.largest, figures.top) == (0, 5)
        assert figures.cosine == pytest.approx(1)


def test_rounding_to_half_precision_is_accepted(golden: Scores, scale: str) -> None:
    assert [difference(in_half_precision(row), row, scale, HALF) for row in golden] == [""] * PICTURES


@TOLERANCES
@pytest.mark.parametrize(
    "wrong",
    [with_reversed_channels, with_half_the_stem, with_shifted_rows, partial(with_scaled_stem, factor=2)],
    ids=["reversed channels", "half the stem", "shifted rows", "scaled stem"],
)
def test_a_wrong_model_is_refused(
    request: pytest.FixtureRequest, scale: str, tolerance: Tolerance, wrong: Callable[[bytes], bytes]
) -> None:
    right, images, golden = (request.getfixturevalue(name) for name in ("right", "images", "golden"))
    found = scores_of(wrong(right), images)
    assert all(difference(row, gold, scale, tolerance) for row, gold in zip(found, golden, strict=True))


@TOLERANCES
def test_permuted_lesser_scores_are_refused_though_the_first_is_right(
    right: bytes, images: NDArray[np.float32], golden: Scores, scale: str, tolerance: Tolerance
) -> None:
    for image, gold in zip(images, golden, strict=True):
        expected = int(gold.argmax())
        (found,) = scores_of(with_permuted_lesser_scores(right, expected=expected), image[np.newaxis])
        assert found[expected] == pytest.approx(gold[expected], rel=1e-4)
        assert difference(found, gold, scale, tolerance)


@TOLERANCES
@pytest.mark.parametrize("temperature", [1.2, 2.0])
def test_flattened_probabilities_of_a_model_are_refused(
    images: NDArray[np.float32], tolerance: Tolerance, temperature: float
) -> None:
    right = convolutional_classifier(probabilities=True)
    found = scores_of(with_flattened_probabilities(right, temperature=temperature), images)
    for row, gold in zip(found, scores_of(right, images), strict=True):
        assert ranked(row.tolist())[0] == ranked(gold.tolist())[0]
        assert difference(row, gold, PROBABILITIES, tolerance)


@TOLERANCES
@pytest.mark.parametrize("classes", [1000, 2])
def test_a_probability_that_fell_from_99_to_75_hundredths_is_refused(classes: int, tolerance: Tolerance) -> None:
    found, gold = (sure_of_one(classes=classes, probability=value) for value in (0.75, 0.99))
    assert difference(found, gold, PROBABILITIES, tolerance)


@TOLERANCES
@pytest.mark.parametrize("classes", [2, 3, 1000])
def test_halved_scores_are_refused(classes: int, tolerance: Tolerance) -> None:
    gold = np.random.default_rng(0).normal(0, 5, classes)
    assert difference(gold / 2, gold, LOGITS, tolerance)
    assert difference(softmax(gold / 2), softmax(gold), PROBABILITIES, tolerance)


@TOLERANCES
def test_a_mistake_in_two_classes_is_refused_and_rounding_is_not(tolerance: Tolerance) -> None:
    logits = np.array([3.0, -2.0])
    assert difference(logits * (1 + 1e-6), logits, LOGITS, tolerance) == ""
    assert difference(softmax(logits * (1 + 1e-6)), softmax(logits), PROBABILITIES, tolerance) == ""
    assert difference(logits[::-1], logits, LOGITS, tolerance)
    assert difference(softmax(logits)[::-1], softmax(logits), PROBABILITIES, tolerance)


def test_rounded_probabilities_of_any_certainty_are_accepted() -> None:
    random = np.random.default_rng(0)
    for _ in range(100):
        gold = softmax(random.normal(0, random.uniform(0.5, 7), 1000))
        assert difference(in_half_precision(gold), gold, PROBABILITIES, HALF) == ""


@SCALES
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_infinitely_wrong_and_named(scale: str, wrong: float) -> None:
    figures = compared([0.5, wrong, 0.1], [0.5, 0.4, 0.1], scale=scale)
    assert (figures.largest, figures.worst, figures.cosine, figures.top) == (math.inf, 1, -1, 0)
    said = disagreement([0.5, wrong, 0.1], [0.5, 0.4, 0.1], scale=scale, tolerance=Tolerance(math.inf, -1))
    assert said == f"class 1 scores {wrong}, golden 0.400000"


@pytest.mark.parametrize("length", [0, 2, 4])
def test_another_length_never_agrees(length: int) -> None:
    said = disagreement([1.0] * length, [1.0, 2.0, 3.0], scale=LOGITS, tolerance=Tolerance(1e9, -1))
    assert said == f"{length} scores, golden has 3"
    assert compared([1.0] * length, [1.0, 2.0, 3.0], scale=LOGITS).largest == math.inf


def test_the_largest_difference_may_be_the_tolerance_and_no_more() -> None:
    gold = [0.0, 2.0]  # one spread is 1
    tolerance = Tolerance(largest=0.125, cosine=0.9)
    assert disagreement([0.0, 2.125], gold, scale=LOGITS, tolerance=tolerance) == ""
    said = disagreement([0.0, math.nextafter(2.125, 3)], gold, scale=LOGITS, tolerance=tolerance)
    assert said.startswith(
        "a score differs by 0.125 spreads, more than 0.125; the worst is class 1: 2.125 instead of 2;"
    )


def test_the_cosine_may_be_the_tolerance_and_no_less() -> None:
    found, gold = [0.0, 1.0, 2.5], [0.0, 1.0, 2.0]
    cosine = compared(found, gold, scale=LOGITS).cosine
    assert 0.9 < cosine < 1
    assert disagreement(found, gold, scale=LOGITS, tolerance=Tolerance(1, cosine)) == ""
    said = disagreement(found, gold, scale=LOGITS, tolerance=Tolerance(1, math.nextafter(cosine, 1)))
    assert said.startswith("the cosine is ")


def test_one_line_says_all_reasons_the_worst_class_and_how_many_firsts_agree() -> None:
    said = disagreement([0.0, 1.0, 9.0], [9.0, 1.0, 0.0], scale=LOGITS, tolerance=HALF)
    assert said == (
        "a score differs by 2.23 spreads, more than 0.1 and the cosine is -0.664384, less than 0.9995; "
        "the worst is class 0: 0 instead of 9; 3 of golden's first 3 are among the first"
    )


def test_a_spread_is_the_standard_deviation_of_all_scores() -> None:
    assert spread_of([0.0, 2.0]) == 1
    scores = np.random.default_rng(0).normal(3, 7, 100)
    assert spread_of(scores.tolist()) == pytest.approx(scores.std(ddof=0), rel=1e-12)


def test_the_unit_of_scores_does_not_matter() -> None:
    gold = np.random.default_rng(0).normal(0, 1, 50)
    wrong = gold + np.random.default_rng(1).normal(0, 0.01, 50)
    one, other = (compared((wrong * unit).tolist(), (gold * unit).tolist(), scale=LOGITS) for unit in (1, 1000))
    assert other.largest == pytest.approx(one.largest)
    assert other.cosine == pytest.approx(one.cosine)


def test_flat_scores_agree_with_themselves_alone() -> None:
    assert disagreement([1.0, 1.0], [1.0, 1.0], scale=LOGITS, tolerance=SINGLE) == ""
    assert disagreement([1.0, 1.1], [1.0, 1.0], scale=LOGITS, tolerance=HALF)
    assert disagreement([1.0, 1.0], [1.0, 2.0], scale=LOGITS, tolerance=HALF)


def test_equal_scores_are_ranked_by_their_place() -> None:
    assert ranked([1.0, 3.0, 2.0, 3.0]) == [1, 3, 2, 0]


@pytest.mark.parametrize(
    ("rows", "scale"),
    [
        ([[0.25, 0.75], [1.0, 0.0]], PROBABILITIES),
        ([[0.3, 0.698]], PROBABILITIES),
        (softmax(np.random.default_rng(0).normal(0, 3, (3, 1000))).astype(np.float16).tolist(), PROBABILITIES),
        ([[2.5, -1.5]], LOGITS),
        ([[1.5, -0.5]], LOGITS),
        ([[1.0, 1.0, 1.0]], LOGITS),
        ([[0.9, 0.8, 0.7, 0.6]], LOGITS),
        ([[0.25, 0.75], [0.5, 0.6]], LOGITS),
        ([[0.3, 0.68]], LOGITS),
        ([], LOGITS),
    ],
    ids=[
        *("two classes", "sum 0.998", "softmax in half precision", "logits", "logits whose sum is 1"),
        *("ones", "sigmoids whose sum is 3", "one row of two", "sum 0.98", "none"),
    ],
)
def test_scores_are_probabilities_where_each_row_is_a_distribution(rows: list[list[float]], scale: str) -> None:
    assert scale_of_scores(rows) == scale


@pytest.mark.parametrize("scale", [LOGITS, PROBABILITIES])
def test_two_classes_that_are_almost_alike_may_be_rounded_and_not_be_another_model_s(scale: str) -> None:
    made_of = softmax if scale == PROBABILITIES else np.asarray
    rows = [made_of(np.array(row)).tolist() for row in ([5, -4], [-3, 4], [1.001, 1], [-6, 5])]
    close, rounded, other = (made_of(np.array(row)).tolist() for row in ([1.001, 1], [1, 1.002], [0, 2]))
    least = least_spread_of(rows, scale=scale)
    tolerance = Tolerance(largest=0.005, cosine=0.99999)
    assert disagreement(rounded, close, scale=scale, tolerance=tolerance)
    assert disagreement(rounded, close, scale=scale, tolerance=tolerance, least_spread=least) == ""
    assert "the cosine is" in disagreement(other, close, scale=scale, tolerance=tolerance, least_spread=least)
    assert "a score differs by" in disagreement(other, close, scale=scale, tolerance=tolerance, least_spread=least)


def test_where_a_picture_s_own_spread_is_larger_differences_are_counted_in_that() -> None:
    golden, scores = [0.0, 2.0, 4.0], [0.0, 2.0, 4.1]
    assert compared(scores, golden, scale=LOGITS, least_spread=1.0) == compared(scores, golden, scale=LOGITS)
    wide = compared(scores, golden, scale=LOGITS, least_spread=10.0)
    assert wide.largest == pytest.approx(0.01)
    assert wide.cosine > compared(scores, golden, scale=LOGITS).cosine
