import numpy as np
import pytest

from smoke_tests.comparison import absolute_differences, disagreement, figures

GOLDEN = [1.0, -2.0, 3.0]


def test_difference_of_exactly_the_tolerance_agrees() -> None:
    assert not disagreement(np.array([1.25, -2.25, 3.0], np.float32), GOLDEN, 0.25)


@pytest.mark.parametrize("wrong", [1.2500001, -5.0, np.nan, np.inf, -np.inf])
def test_one_wrong_score_is_named(wrong: float) -> None:
    said = disagreement(np.array([wrong, -2.0, 3.0], np.float32), GOLDEN, 0.25)
    assert said.startswith("1 of 3 scores differ by more than 0.25; the worst is class 0: ")
    assert said.endswith(" instead of 1.000000")


def test_no_number_is_worse_than_any_difference() -> None:
    said = disagreement(np.array([9.0, np.nan, 9.0], np.float32), GOLDEN, 0.25)
    assert "3 of 3" in said
    assert "class 1: nan instead of -2.000000" in said


@pytest.mark.parametrize("shape", [(2,), (4,), (1, 3), ()])
def test_another_shape_never_agrees(shape: tuple[int, ...]) -> None:
    assert "golden has 3" in disagreement(np.ones(shape, np.float32), GOLDEN, 1e9)


def test_differences_are_those_of_the_float32_scores() -> None:
    differences = absolute_differences(np.array([1.5, -2.0, np.nan], np.float32), GOLDEN)
    assert differences.tolist() == [0.5, 0.0, np.inf]


def test_figures_are_of_the_worst_and_of_the_expected_class() -> None:
    assert figures(np.array([1.5, -2.25, 3.0], np.float32), GOLDEN, 1) == {
        "max_abs_difference": 0.5,
        "expected_class_score": -2.25,
        "expected_class_golden": -2.0,
    }


def test_another_shape_has_no_figures() -> None:
    assert figures(np.ones(2, np.float32), GOLDEN, 1) == {}
