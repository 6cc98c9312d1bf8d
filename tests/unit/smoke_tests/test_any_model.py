"""Any classifier of pictures is judged by what its own configuration expects, in every way that it can be wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contract.expectation import Expectation
from tests.unit.smoke_tests.faults import LIMIT_BYTES
from tests.unit.smoke_tests.judging import (
    MUG,
    Inputs,
    good_stand_in,
    made_inputs,
    verdict,
    verdict_without_promises,
)
from tests.unit.smoke_tests.stand_in import Scores, StandIn, labels_of, ranked_scores, serving

MUG_OF_PROBABILITIES = Expectation(class_index=504, label="COFFEE MUG", top=(504, 968, 505), margin=0.5)
GREY = '{"scale": 0.00784, "mean": 1, "std": 1}'


def test_batched_server_passes_without_a_manifest(inputs: Inputs) -> None:
    with serving(StandIn(max_batch_size=8)) as url:
        got = verdict_without_promises(url, inputs)
    assert (got.status, got.failed) == (0, set()), got.output


@pytest.mark.parametrize(
    "rows_in_order",
    [
        lambda rows: rows[::-1],
        lambda rows: [*rows[1:], rows[0]],
        lambda rows: [rows[0]] * len(rows),
        lambda rows: [*rows[:2][::-1], *rows[2:]],
    ],
    ids=["reversed", "rotated", "all_the_first", "two_swapped"],
)
@pytest.mark.parametrize("other", [True, False], ids=["two_pictures", "one_picture"])
def test_rows_of_a_batch_in_another_order_fail(
    rows_in_order: Callable[[list[Scores]], list[Scores]], inputs: Inputs, *, other: bool
) -> None:
    with serving(StandIn(max_batch_size=8, rows_in_order=rows_in_order)) as url:
        got = verdict_without_promises(url, replace(inputs, other=other), "-k", "batch")
    assert (got.status, got.failed) == (1, {"test_batch_is_answered_picture_by_picture"}), got.output
    assert got.output.count("is not as its picture alone: ") >= 3, "each size finds it"


def test_largest_batch_is_bounded_by_the_body(inputs: Inputs) -> None:
    def refused_above_four(rows: list[Scores]) -> list[Scores]:
        assert len(rows) <= 4
        return rows

    with serving(good_stand_in(max_batch_size=128, rows_in_order=refused_above_four)) as url:
        limit = ("--max-body-bytes", str(4 * 3 * 224 * 224 * 4 + 1024))
        got = verdict_without_promises(url, inputs, *limit, "-k", "test_batches", "-rA")
    assert got.status == 0, got.output


SHAPES: dict[str, tuple[StandIn, Expectation, str]] = {
    "two_classes": (
        StandIn(
            labels=["NOT A MUG", "MUG OR BALL"],
            expected=ranked_scores([1], 2),
            second=ranked_scores([0], 2),
            other=ranked_scores([1], 2),
        ),
        Expectation(class_index=1, label="MUG OR BALL"),
        "imagenet",
    ),
    "one_channel_28": (
        StandIn(
            shape=(1, 28, 28),
            labels=labels_of(10),
            expected=ranked_scores([7], 10),
            other=ranked_scores([3], 10),
            second=ranked_scores([3], 10),
        ),
        Expectation(class_index=3, label="LABEL 3"),
        GREY,
    ),
    "299_pixels": (StandIn(shape=(3, 299, 299)), MUG, "inception"),
    "wider_than_high": (StandIn(shape=(3, 120, 200), max_batch_size=3), MUG, "inception"),
    "probabilities": (StandIn(probabilities=True), MUG_OF_PROBABILITIES, "imagenet"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_any_classifier_passes_by_its_own_configuration(name: str, tmp_path: Path) -> None:
    good, expectation, preprocessing = SHAPES[name]
    good.max_body_bytes = LIMIT_BYTES
    value = json.loads(preprocessing) if preprocessing.startswith("{") else preprocessing
    inputs = replace(made_inputs(tmp_path, good, expectation, preprocessing=value), other=False)
    expected = ["--expect-class", str(expectation.class_index), "--expect-label", str(expectation.label)]
    with serving(good) as url:
        with_manifest = verdict(url, inputs, *expected, "--preprocessing", preprocessing)
        without = verdict_without_promises(url, inputs, *expected, "--preprocessing", preprocessing)
    assert (with_manifest.status, with_manifest.failed) == (0, set()), with_manifest.output
    assert (without.status, without.failed) == (0, set()), without.output
    assert len(without.output.rstrip().rpartition("Image '")[2].splitlines()) == 1 + min(3, len(good.labels))


def permuted(row: Scores) -> Scores:
    """The lesser probabilities, each another class's."""
    lesser = np.argsort(-row)[5:]
    changed = row.copy()
    changed[lesser] = row[np.roll(lesser, 300)]
    return changed


def flattened(row: Scores) -> Scores:
    """The lesser probabilities all the same, their sum as it was."""
    lesser = np.argsort(-row)[5:]
    changed = row.copy()
    changed[lesser] = row[lesser].mean()
    return changed


@pytest.mark.parametrize("spoilt", [permuted, flattened])
def test_lesser_probabilities_that_are_wrong_fail(spoilt: Callable[[Scores], Scores], tmp_path: Path) -> None:
    inputs = made_inputs(tmp_path, StandIn(probabilities=True), MUG_OF_PROBABILITIES)
    with serving(good_stand_in(probabilities=True, spoilt=spoilt)) as url:
        got = verdict(url, inputs)
    assert (got.status, got.failed) == (1, {"test_every_score_is_the_golden"}), got.output


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ([3, -1, -1], (), "has input of shape [3, -1, -1]; accepted: [3 or 1, height, width], a picture"),
        ([8], (), "has input of shape [8]; accepted: [3 or 1, height, width], a picture"),
        ([1, 28, 28], (), "preprocessing.mean is [0.485, 0.456, 0.406]; accepted: a number"),
        ([3, 224, 224], ("--expect-class", "1000"), "--expect-class is 1000; accepted: a class, 0 to 999"),
    ],
)
def test_model_that_can_not_be_judged_is_a_line_and_no_traceback(
    shape: list[int], options: tuple[str, ...], said: str, inputs: Inputs
) -> None:
    stand_in = StandIn()
    stand_in.metadata["inputs"][0]["shape"] = shape
    with serving(stand_in) as url:
        got = verdict_without_promises(url, inputs, *options, "-k", "json_request")
    assert got.status == 1
    (error,) = [line for line in got.output.splitlines() if line.startswith("ERROR ")]
    assert said in got.output
    assert error.partition(" - ")[2].startswith("Failed: ")
    assert ".py:" not in got.output.replace("test_clients.py::", "")
