"""Differences are stated in units of the right scores' standard deviation."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from tests.classifiers import colour_classifier, convolutional_classifier
from tests.wrong_classifiers import (
    with_flattened_probabilities,
    with_half_the_stem,
    with_permuted_lesser_scores,
    with_reversed_channels,
    with_scaled_stem,
    with_shifted_rows,
)

Images = NDArray[np.float32]
Scores = NDArray[np.float64]


@pytest.fixture(scope="module")
def right() -> bytes:
    return convolutional_classifier()


@pytest.fixture(scope="module")
def images() -> Images:
    random = np.random.default_rng(1)
    coarse = random.uniform(-1, 1, (4, 3, 7, 7)).repeat(32, axis=2).repeat(32, axis=3)
    fine = random.uniform(-1, 1, (4, 3, 224, 224))
    return (random.uniform(-2, 2, (4, 3, 1, 1)) + coarse + fine).astype(np.float32)


def scores_of(model: bytes, images: Images) -> Scores:
    (values,) = onnxruntime.InferenceSession(model).run(None, {"data": images})
    return np.asarray(values, np.float64)


def differences(model: bytes, right: bytes, images: Images) -> Scores:
    expected = scores_of(right, images)
    return np.asarray(np.abs(scores_of(model, images) - expected).max(axis=1) / expected.std(axis=1))


def grey(value: float) -> Images:
    return np.full((1, 3, 224, 224), value, np.float32)


def test_the_expected_class_keeps_its_score_and_no_other_does(right: bytes, images: Images) -> None:
    for picture in np.split(images, len(images)):
        (expected,) = scores_of(right, picture)
        top = int(expected.argmax())
        (found,) = scores_of(with_permuted_lesser_scores(right, expected=top), picture)
        assert np.flatnonzero(found == expected).tolist() == [top]
        assert np.array_equal(np.sort(found), np.sort(expected))
        assert np.abs(found - expected).max() / expected.std() > 5


def test_a_temperature_flattens_probabilities_and_keeps_their_order(images: Images) -> None:
    right = convolutional_classifier(probabilities=True)
    wrong = with_flattened_probabilities(right, temperature=1.7)
    sure = grey(1.5)
    assert scores_of(right, sure).max() == pytest.approx(0.994, abs=0.002)
    assert scores_of(wrong, sure).max() == pytest.approx(0.72, abs=0.02)
    for picture in (sure, *np.split(images, len(images))):
        expected, found = scores_of(right, picture), scores_of(wrong, picture)
        assert np.array_equal(np.argsort(-found[0])[:5], np.argsort(-expected[0])[:5])
    assert np.array_equal(
        scores_of(with_flattened_probabilities(right, temperature=1), images), scores_of(right, images)
    )


def test_only_probabilities_can_be_flattened(right: bytes) -> None:
    with pytest.raises(ValueError, match=r"^the model ends with Gemm; accepted: Softmax$"):
        with_flattened_probabilities(right, temperature=2)


def test_reversed_channels_show_in_colours_alone(right: bytes, images: Images) -> None:
    wrong = with_reversed_channels(right)
    assert np.array_equal(scores_of(wrong, images), scores_of(right, images[:, ::-1].copy()))
    assert differences(wrong, right, images).min() > 0.5
    assert differences(wrong, right, grey(1)).max() == 0


def test_half_the_stem_shows_in_all_but_a_picture_of_zeros(right: bytes, images: Images) -> None:
    wrong = with_half_the_stem(right)
    assert differences(wrong, right, np.concatenate([images, grey(1), grey(-1)])).min() > 2
    assert differences(wrong, right, grey(0)).max() == 0


@pytest.mark.parametrize(("factor", "least"), [(0.5, 8), (0.9, 1.5)])
def test_a_scaled_stem_is_a_scaled_picture(right: bytes, images: Images, factor: float, least: float) -> None:
    wrong = with_scaled_stem(right, factor=factor)
    assert scores_of(wrong, images) == pytest.approx(scores_of(right, images * np.float32(factor)), abs=1e-4)
    assert differences(wrong, right, images).min() > least
    assert differences(wrong, right, grey(0)).max() == 0


def test_a_batchs_rows_are_shifted_and_a_single_one_is_right(right: bytes, images: Images) -> None:
    wrong = with_shifted_rows(right)
    assert np.array_equal(scores_of(wrong, images), np.roll(scores_of(right, images), 1, axis=0))
    assert differences(wrong, right, images).min() > 5
    for picture in np.split(images, len(images)):
        assert np.array_equal(scores_of(wrong, picture), scores_of(right, picture))


@pytest.mark.parametrize(
    "wrong",
    [
        with_half_the_stem,
        with_reversed_channels,
        with_shifted_rows,
        lambda data: with_scaled_stem(data, factor=0.5),
        lambda data: with_permuted_lesser_scores(data, expected=1),
        lambda data: with_flattened_probabilities(data, temperature=2),
    ],
)
def test_any_classifier_can_be_made_wrong(wrong: Any, images: Images) -> None:
    right = colour_classifier(classes=5, scores="probabilities")
    assert differences(wrong(right), right, images).max() > 0.05
