"""The smoke tests fail when they must: each fault here is one that a deployment can have."""

import contextlib
import hashlib
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.comparison import scale_of_scores
from contract.expectation import Expectation
from contract.manifest import Golden, GoldenPicture, json_from_manifest
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import Preprocessing, preprocessing_from_value
from tests.unit.smoke_tests.faults import (
    LIMIT_BYTES,
    ONE_THING_WRONG,
    TOLERANCE,
    WRONG_ALL_OVER,
    lead_too_small,
    score_wrong_by_a_little,
    second_and_third_swapped,
    with_another_score,
)
from tests.unit.smoke_tests.manifests import manifest_of
from tests.unit.smoke_tests.stand_in import INFER, MODEL, Scores, StandIn, labels_of, ranked_scores, serving

REPOSITORY = Path(__file__).parents[3]
MUG_OF_PROBABILITIES = Expectation(class_index=504, label="COFFEE MUG", top=(504, 968, 505), margin=0.5)
MUG = Expectation(class_index=504, label="COFFEE MUG", top=(504, 968, 505), margin=1.5)
GREY = '{"scale": 0.00784, "mean": 1, "std": 1}'


@dataclass(frozen=True)
class Verdict:
    status: int
    failed: set[str]
    output: str


@dataclass(frozen=True)
class Inputs:
    """The files that the smoke tests are given: a blue picture as the mug, a red one, a manifest."""

    folder: Path
    expected: tuple[str, ...] = ("mug.png",)
    other: bool = True

    @property
    def pictures(self) -> list[str]:
        images = [flag for name in self.expected for flag in ("--image", str(self.folder / name))]
        return [*images, *(["--other-image", str(self.folder / "ball.png")] if self.other else [])]

    @property
    def promises(self) -> list[str]:
        return ["--manifest", str(self.folder / "manifest.json"), "--max-body-bytes", str(LIMIT_BYTES)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return made_inputs(tmp_path_factory.mktemp("inputs"), StandIn())


def made_inputs(
    folder: Path, good: StandIn, expectation: Expectation = MUG, *, preprocessing: object = "imagenet"
) -> Inputs:
    """Write the pictures, and the manifest of what a server is to serve."""
    for name, colour in (("mug.png", 2), ("cup.png", 1), ("ball.png", 0)):
        picture_of(colour).save(folder / name)
    made = preprocessing_from_value(preprocessing, good.shape)
    goldens = {"mug.png": expectation, "cup.png": Expectation(class_index=968, label="LABEL 968")}
    pictures = tuple(
        golden_picture(folder / name, expected, good, made)
        for name, expected in goldens.items()
        if expected.class_index < len(good.labels)
    )
    labels = hashlib.sha256("".join(f"{label}\n" for label in good.labels).encode()).hexdigest()
    manifest = manifest_of(
        shape=good.shape,
        classes=len(good.labels),
        max_batch_size=good.max_batch_size,
        preprocessing=made,
        files={f"{MODEL}/labels.txt": labels},
        golden=Golden(
            scale=scale_of_scores([picture.scores or () for picture in pictures]),
            tolerance=TOLERANCE,
            pictures=pictures,
        ),
    )
    (folder / "manifest.json").write_text(json_from_manifest(manifest))
    return Inputs(folder)


def golden_picture(path: Path, expected: Expectation, good: StandIn, made: Preprocessing) -> GoldenPicture:
    data = path.read_bytes()
    tensor = tensor_from_picture(picture_from_bytes(data, name=path.name), made)
    return GoldenPicture(
        sha256=hashlib.sha256(data).hexdigest(),
        input_file="golden_input_0.bin",
        expectation=expected,
        scores=tuple(good.scores_of(tensor).tolist()),
    )


def picture_of(channel: int) -> Image.Image:
    """A picture mostly of one colour, which no turn of it is like."""
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[:, :, channel] = 200
    pixels[:, :, (channel + 1) % 3] = np.linspace(0, 90, 256)[:, None]
    pixels[:64, :128, (channel + 2) % 3] = 120
    return Image.fromarray(pixels)


class Failures:
    """A pytest plugin that keeps the names of the tests that failed."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.names.add(report.nodeid.split("::")[1].split("[")[0])


def verdict(url: str, inputs: Inputs, *more: str) -> Verdict:
    """Run the smoke tests as a deployment does."""
    return verdict_without_promises(url, inputs, *inputs.promises, *more)


def verdict_without_promises(url: str, inputs: Inputs, *more: str) -> Verdict:
    """Run the smoke tests as a user does, who knows a URL and a picture; in this process, to save its start."""
    failures, output = Failures(), io.StringIO()
    options = ["-s", "-p", "no:cacheprovider", "--url", url, *inputs.pictures, *more]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        status = pytest.main([str(REPOSITORY / "smoke_tests"), *options], plugins=[failures])
    return Verdict(int(status), failures.names, output.getvalue())


def verdict_of_a_process(url: str, inputs: Inputs, *more: str) -> Verdict:
    """Run the smoke tests as a program of its own, with the JUnit report that pipelines read."""
    report = inputs.folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "smoke_tests", "--url", url, *inputs.pictures, *inputs.promises, *more]
    run = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--junitxml={report}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - written by pytest, just now
    failed = {case.get("name", "").split("[")[0] for case in cases if len(case.findall("failure"))}
    return Verdict(run.returncode, failed, run.stdout + run.stderr)


def figures_in(report: Path, url: str) -> dict[str, dict[str, float]]:
    """The figures of the tests that ask one URL, test by test."""
    asked = f"[{url.removeprefix('http://')}"
    return {
        case.get("name", "").partition("[")[0]: {
            str(each.get("name")): float(each.get("value", "")) for each in case.iter("property")
        }
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - written by pytest, just now
        if asked in case.get("name", "")
    }


def good_stand_in(**spoilt: object) -> StandIn:
    return StandIn(max_body_bytes=LIMIT_BYTES, **spoilt)  # type: ignore[arg-type]  # each test's own


def test_right_server_passes_and_its_table_is_printed(inputs: Inputs) -> None:
    with serving(good_stand_in()) as url:
        got = verdict_of_a_process(url, inputs, "--routed", "--inception")
    assert (got.status, got.failed) == (0, set()), got.output
    table = [
        url,
        f"Image '{inputs.folder}/mug.png':",
        "    12.000000 (504) = COFFEE MUG",
        "    10.000000 (968) = LABEL 968",
        "     8.000000 (505) = LABEL 505",
    ]
    assert got.output.splitlines()[-len(table) :] == table


def test_wrong_server_fails_as_a_process_too(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    score_wrong_by_a_little(stand_in)
    with serving(stand_in) as url:
        got = verdict_of_a_process(url, inputs)
    assert (got.status, got.failed) == (1, {"test_every_score_is_the_golden"}), got.output
    figures = figures_in(inputs.folder / "report.xml", url)
    assert figures["test_every_score_is_the_golden"] == {
        "max_difference_spreads": pytest.approx(TOLERANCE.largest * 1.1, rel=1e-3),
        "cosine": pytest.approx(1, abs=1e-5),
        "top5_overlap": 5,
        "expected_class_score": 12,
        "expected_class_golden": 12,
        "tolerance_spreads": 0.01,
        "tolerance_cosine": 0.9999,
    }
    assert figures["test_expected_class_is_on_top"] == {"top_class": 504, "top_score": 12}
    latencies = figures["test_every_request_gets_the_answer"]
    assert 0 < latencies["latency_min_ms"] <= latencies["latency_median_ms"] <= latencies["latency_max_ms"]


def test_score_just_within_the_tolerance_passes(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    stand_in.spoilt = lambda row: with_another_score(row, 0.9)
    with serving(stand_in) as url:
        assert verdict(url, inputs).status == 0


@pytest.mark.parametrize("fault", ONE_THING_WRONG, ids=lambda fault: fault.__name__)
def test_fault_fails_the_tests_that_are_for_it(fault: Callable[[StandIn], None], inputs: Inputs) -> None:
    stand_in = good_stand_in()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict(url, inputs, "--routed", "--inception")
    assert (got.status, got.failed) == (1, ONE_THING_WRONG[fault]), got.output


@pytest.mark.parametrize("fault", WRONG_ALL_OVER, ids=lambda fault: fault.__name__)
def test_fault_fails_at_least(fault: Callable[[StandIn], None], inputs: Inputs) -> None:
    stand_in = good_stand_in()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict(url, inputs)
    assert got.status == 1, got.output
    assert got.failed >= WRONG_ALL_OVER[fault], got.output


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


def test_second_picture_that_is_wrong_fails_and_is_named(inputs: Inputs) -> None:
    both = replace(inputs, expected=("mug.png", "cup.png"))
    with serving(good_stand_in()) as url:
        assert verdict(url, both).status == 0
    stand_in = good_stand_in()
    stand_in.second = ranked_scores([505, 968])
    with serving(stand_in) as url:
        got = verdict(url, both)
    failed = {
        "test_expected_class_is_on_top",
        "test_ranks_and_margin_are_as_expected",
        "test_every_score_is_the_golden",
    }
    assert (got.status, got.failed) == (1, failed), got.output
    lines = [line for line in got.output.splitlines() if line.startswith("FAILED")]
    assert len(lines) == 3
    assert all(f"{inputs.folder}/cup.png]" in line for line in lines)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (second_and_third_swapped, "top: classes [504, 505, 968], expected [504, 968, 505]"),
        (lead_too_small, "margin: class 504 leads class 968 by 1, expected 1.5 or more"),
    ],
)
def test_ranks_and_margin_are_compared_without_a_manifest(
    fault: Callable[[StandIn], None], said: str, inputs: Inputs
) -> None:
    options = ("--expect-top", "504,968,505", "--expect-margin", "1.5")
    with serving(StandIn()) as url:
        assert verdict_without_promises(url, inputs, *options).status == 0
    stand_in = StandIn()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict_without_promises(url, inputs, *options)
    assert (got.status, got.failed) == (1, {"test_ranks_and_margin_are_as_expected"}), got.output
    assert said in got.output


def test_what_need_not_be_is_skipped_with_its_reason(inputs: Inputs) -> None:
    stand_in = good_stand_in(understands_inception=False)
    stand_in.other = stand_in.expected
    with serving(stand_in) as url:
        got = verdict(url, replace(inputs, other=False), "-rs")
    assert (got.status, got.failed) == (0, set()), got.output
    assert "no --other-image\n" in got.output
    assert "no --inception" in got.output


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ([3, -1, -1], (), "has input of shape [3, -1, -1]; accepted: [3 or 1, height, width], a picture"),
        ([8], (), "has input of shape [8]; accepted: [3 or 1, height, width], a picture"),
        ([1, 28, 28], (), "preprocessing.std is [0.229, 0.224, 0.225]; accepted: a number"),
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


def test_one_wrong_replica_fails_and_is_named(inputs: Inputs) -> None:
    wrong = good_stand_in()
    score_wrong_by_a_little(wrong)
    with serving(good_stand_in()) as url, serving(good_stand_in()) as right, serving(wrong) as replica:
        got = verdict(url, inputs, "--replica-url", right, "--replica-url", replica)
    assert (got.status, got.failed) == (1, {"test_every_score_is_the_golden"}), got.output
    named = f"::test_every_score_is_the_golden[{replica.removeprefix('http://')}-{inputs.folder}/mug.png]"
    assert [line for line in got.output.splitlines() if line.startswith("FAILED") and named in line]


def test_silent_server_ends_the_run_before_the_tests(inputs: Inputs) -> None:
    with serving(good_stand_in(silent={"/v2/health/live"})) as url:
        got = verdict(url, inputs, "--request-timeout-s", "0.3")
    assert got.status == 69
    assert f"the server does not answer: GET {url}/v2/health/live: no answer within 0.3 s" in got.output
    assert "collected" not in got.output


def test_server_that_is_silent_when_asked_fails(inputs: Inputs) -> None:
    with serving(good_stand_in(silent={INFER})) as url:
        got = verdict(url, inputs, "--request-timeout-s", "0.3", "-k", "expected_class or json_request")
    assert got.status == 1
    assert got.failed == {"test_expected_class_is_on_top", "test_json_request"}
    assert got.output.count("no answer within 0.3 s") >= 2


def test_nothing_collected_is_no_pass(inputs: Inputs) -> None:
    with serving(good_stand_in()) as url:
        assert verdict(url, inputs, "-k", "no_such_test").status == 5
