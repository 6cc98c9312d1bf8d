"""The smoke tests fail when they must: each fault here is one that a deployment can have."""

import contextlib
import hashlib
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.smoke_tests.faults import (
    LIMIT_BYTES,
    ONE_THING_WRONG,
    TOLERANCE,
    WRONG_ALL_OVER,
    score_wrong_by_a_little,
)
from tests.unit.smoke_tests.stand_in import INFER, INPUT, MODEL, OUTPUT, StandIn, serving

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Verdict:
    status: int
    failed: set[str]
    output: str


@dataclass(frozen=True)
class Inputs:
    """The files that the smoke tests are given: a blue picture as the mug, a red one, a manifest."""

    folder: Path

    @property
    def pictures(self) -> list[str]:
        return ["--image", str(self.folder / "mug.png"), "--other-image", str(self.folder / "ball.png")]

    @property
    def promises(self) -> list[str]:
        return ["--manifest", str(self.folder / "manifest.json"), "--max-body-bytes", str(LIMIT_BYTES)]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    Image.new("RGB", (256, 256), "blue").save(folder / "mug.png")
    Image.new("RGB", (256, 256), "red").save(folder / "ball.png")
    good = StandIn()
    labels = "".join(f"{label}\n" for label in good.labels).encode()
    manifest = {
        "schema": 1,
        "planId": "0123456789abcdef",
        "model": MODEL,
        "maxBatchSize": 0,
        "source": {"kind": "fixture"},
        "input": INPUT,
        "output": OUTPUT,
        "files": {f"{MODEL}/labels.txt": hashlib.sha256(labels).hexdigest()},
        "golden": {
            "imageSha256": hashlib.sha256((folder / "mug.png").read_bytes()).hexdigest(),
            "preprocessing": "imagenet",
            "class": 504,
            "label": "COFFEE MUG",
            "tolerance": TOLERANCE,
            "scores": good.expected.tolist(),
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Inputs(folder)


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
    asked = f"[{url.removeprefix('http://')}]"
    return {
        case.get("name", "").removesuffix(asked): {
            str(each.get("name")): float(each.get("value", "")) for each in case.iter("property")
        }
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - written by pytest, just now
        if case.get("name", "").endswith(asked)
    }


def good_stand_in(**spoilt: object) -> StandIn:
    return StandIn(max_body_bytes=LIMIT_BYTES, **spoilt)  # type: ignore[arg-type]  # each test's own


def test_right_server_passes_and_its_table_is_printed(inputs: Inputs) -> None:
    with serving(good_stand_in()) as url:
        got = verdict_of_a_process(url, inputs, "--routed")
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
        "max_abs_difference": pytest.approx(TOLERANCE * 1.1, rel=1e-3),
        "expected_class_score": 12,
        "expected_class_golden": 12,
        "tolerance": TOLERANCE,
    }
    assert figures["test_expected_class_is_on_top"] == {"top_class": 504, "top_score": 12}
    latencies = figures["test_every_request_gets_the_answer"]
    assert 0 < latencies["latency_min_ms"] <= latencies["latency_median_ms"] <= latencies["latency_max_ms"]


def test_score_just_within_the_tolerance_passes(inputs: Inputs) -> None:
    stand_in = good_stand_in()
    stand_in.expected[123] += TOLERANCE * 0.9
    with serving(stand_in) as url:
        assert verdict(url, inputs).status == 0


@pytest.mark.parametrize("fault", ONE_THING_WRONG, ids=lambda fault: fault.__name__)
def test_fault_fails_the_tests_that_are_for_it(fault: Callable[[StandIn], None], inputs: Inputs) -> None:
    stand_in = good_stand_in()
    fault(stand_in)
    with serving(stand_in) as url:
        got = verdict(url, inputs, "--routed")
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


def test_rows_of_a_batch_in_another_order_fail(inputs: Inputs) -> None:
    with serving(StandIn(max_batch_size=8, row_order=-1)) as url:
        got = verdict_without_promises(url, inputs)
    assert (got.status, got.failed) == (1, {"test_batch_is_answered_image_by_image"}), got.output


def test_one_wrong_replica_fails_and_is_named(inputs: Inputs) -> None:
    wrong = good_stand_in()
    score_wrong_by_a_little(wrong)
    with serving(good_stand_in()) as url, serving(good_stand_in()) as right, serving(wrong) as replica:
        got = verdict(url, inputs, "--replica-url", right, "--replica-url", replica)
    assert (got.status, got.failed) == (1, {"test_every_score_is_the_golden"}), got.output
    named = f"::test_every_score_is_the_golden[{replica.removeprefix('http://')}]"
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
