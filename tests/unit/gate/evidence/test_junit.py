import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from gate.errors import GateError
from gate.evidence.document import Check, Deployment, PolicyOutcome
from gate.evidence.junit import junit_from_evidence, smoke_run_from_junit
from tests.unit.gate.runs import WRONG, failed_run, good_run

PASSED = """\
<testcase classname="smoke_tests.test_scores" name="test_every_score_is_the_golden[h:80-a.png]" time="0.25"><properties>
<property name="max_difference_spreads" value="inf" /><property name="tolerance_spreads" value="0.01" />
<property name="table" value="COFFEE MUG" /></properties></testcase>"""
SKIPPED = (
    '<testcase name="batch" time="0.001"><skipped type="pytest.skip" message="no batches">x.py:1</skipped></testcase>'
)
FAILED = (
    '<testcase name="labels" time="0.5"><failure message="AssertionError: h:80&#10;rotated">trace</failure></testcase>'
)
BROKEN = '<testcase name="ready" time="0.5"><error message="failed on setup">trace</error></testcase>'


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "smoke.xml"


def write(report: Path, *cases: str) -> None:
    report.write_text(f'<testsuites><testsuite name="pytest" time="1.5">{"".join(cases)}</testsuite></testsuites>')


def parsed(**changes: Any) -> dict[str, ET.Element]:
    root = ET.fromstring(junit_from_evidence(good_run(**changes)))  # noqa: S314 - made just now
    return {suite.get("name", ""): suite for suite in root}


def test_each_test_is_a_check_with_its_finite_figures(report: Path) -> None:
    write(report, PASSED, SKIPPED, FAILED, BROKEN)
    run = smoke_run_from_junit(report, "after the pause")
    assert (run.when, run.seconds, run.proven) == ("after the pause", 1.5, False)
    assert run.checks == (
        Check(
            name="test_every_score_is_the_golden[h:80-a.png]",
            outcome="passed",
            seconds=0.25,
            figures={"tolerance_spreads": 0.01},
        ),
        Check(name="batch", outcome="skipped", seconds=0.001, message="no batches"),
        Check(name="labels", outcome="failed", seconds=0.5, message="AssertionError: h:80\nrotated"),
        Check(name="ready", outcome="failed", seconds=0.5, message="failed on setup"),
    )


@pytest.mark.parametrize("cases", [(), (SKIPPED,), (SKIPPED, SKIPPED)])
def test_a_run_of_no_test_is_never_a_pass(report: Path, cases: tuple[str, ...]) -> None:
    write(report, *cases)
    with pytest.raises(GateError, match=r"^.*smoke.xml: no smoke test was run, and that is never a pass; .+again$"):
        smoke_run_from_junit(report, "after")


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "No such file"), ("", "no element"), ("<testsuites>", "no element")]
)
def test_a_report_that_can_not_be_read_is_one_line(report: Path, text: str | None, reason: str) -> None:
    if text is not None:
        report.write_text(text)
    with pytest.raises(GateError, match=rf"^the smoke tests left no report in .*smoke.xml \({reason}.*\); .+again$"):
        smoke_run_from_junit(report, "after")


def test_every_stage_is_a_test_suite() -> None:
    suites = parsed(smoke=failed_run().smoke)
    counted = {
        name: (suite.get("tests"), suite.get("failures"), suite.get("skipped")) for name, suite in suites.items()
    }
    assert counted == {
        "before": ("1", "0", "0"),
        "policy": ("1", "0", "0"),
        "deployment": ("1", "0", "0"),
        "smoke after": ("1", "0", "0"),
        "smoke after the pause": ("1", "1", "0"),
        "restored": ("1", "0", "0"),
    }
    failure = suites["smoke after the pause"].find("testcase/failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == (WRONG, WRONG)


def test_what_was_refused_has_no_later_stages() -> None:
    assert list(parsed(deployment=None, smoke=())) == ["before", "policy"]


def test_only_a_mandatory_policy_fails() -> None:
    policies = tuple(
        PolicyOutcome(policy="digest", level=level, resource="triton", message=level)
        for level in ("mandatory", "advisory")
    )
    mandatory, advisory = parsed(policies=policies)["policy"]
    assert mandatory.findtext("failure") == "mandatory"
    assert (advisory.findtext("failure"), advisory.findtext("system-out")) == (None, "advisory")


def test_a_deployment_that_was_interrupted_failed_and_says_why() -> None:
    suite = parsed(deployment=Deployment(seconds=4, outcome="interrupted", reasons=("Ctrl-C",)))["deployment"]
    assert suite.findtext("testcase/failure") == "interrupted\nCtrl-C"


def test_what_xml_has_no_characters_for_is_replaced() -> None:
    colour = Check(name="up\x00", outcome="failed", seconds=0, message="\x1b[31mno < & >\ud800")
    suite = parsed(before=(colour,))["before"]
    assert suite.findtext("testcase/failure") == "\N{REPLACEMENT CHARACTER}[31mno < & >\N{REPLACEMENT CHARACTER}"


def test_the_gates_own_report_is_read_back_with_its_figures(report: Path) -> None:
    report.write_text(junit_from_evidence(good_run(before=(), policies=(), deployment=None)))
    golden, batch, again = smoke_run_from_junit(report, "after").checks
    assert golden.figures == again.figures == {"max_difference_spreads": 0.0025, "tolerance_spreads": 0.01}
    assert batch.outcome == "skipped"
