from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.errors import DeployError, TurnedAwayError, UnreachedError
from gate.errors import FailedError, GateError, WrongAnswerError
from gate.proof import prove

if TYPE_CHECKING:
    from gate.evidence.document import SmokeRun

RIGHT = '<testcase name="mug" time="1"/>'
WRONG = '<testcase name="labels" time="1"><failure message="2 of 1000 differ&#10;more"/></testcase>'


@dataclass
class Asked:
    """Smoke tests that leave a report, and end well or not."""

    report: str | None
    ends_well: bool = True
    error: type[DeployError] = DeployError

    def prove(self, junit: Path) -> None:
        if self.report is not None:
            junit.write_text(f'<testsuite time="2">{self.report}</testsuite>')
        if not self.ends_well:
            raise self.error("it does not answer rightly")


def test_what_was_found_is_kept() -> None:
    kept: list[SmokeRun] = []

    prove(Asked(RIGHT), "after", keep=kept.append)

    assert [(run.when, run.seconds, run.proven) for run in kept] == [("after", 2, True)]


def test_each_wrong_answer_is_a_reason_and_is_kept_too() -> None:
    kept: list[SmokeRun] = []

    with pytest.raises(WrongAnswerError, match=r"^the smoke tests after the pause failed\nlabels: 2 of 1000 differ$"):
        prove(Asked(RIGHT + WRONG, ends_well=False), "after the pause", keep=kept.append)

    assert [run.proven for run in kept] == [False]


def test_a_report_with_a_failure_is_no_proof_whatever_the_status() -> None:
    with pytest.raises(FailedError, match="labels: 2 of 1000 differ"):
        prove(Asked(WRONG), "after", keep=lambda _: None)


def test_tests_that_broke_off_say_why() -> None:
    with pytest.raises(FailedError, match="it does not answer rightly") as raised:
        prove(Asked(RIGHT, ends_well=False), "after", keep=lambda _: None)
    assert not isinstance(raised.value, WrongAnswerError)


def test_without_a_report_the_reason_is_the_tests_own() -> None:
    with pytest.raises(DeployError, match="it does not answer rightly"):
        prove(Asked(None, ends_well=False), "restored", keep=lambda _: None)


def test_no_test_is_no_pass() -> None:
    with pytest.raises(GateError, match="never a pass"):
        prove(Asked(""), "after", keep=lambda _: None)


@pytest.mark.parametrize("report", [None, "", RIGHT], ids=["no report", "no test", "lost on the way"])
@pytest.mark.parametrize(("error", "way"), [(UnreachedError, "unreached"), (TurnedAwayError, "turned away")])
def test_a_closed_way_is_kept_as_what_it_is(report: str | None, error: type[DeployError], way: str) -> None:
    kept: list[SmokeRun] = []

    with pytest.raises(error, match="it does not answer rightly"):
        prove(Asked(report, ends_well=False, error=error), "after", keep=kept.append)

    (run,) = kept
    assert (run.way, run.proven) == (way, False)
    assert (run.checks[0].name, run.checks[0].outcome) == ("the URL is reached", "failed")
    assert [check.name for check in run.checks[1:]] == (["mug"] if report else [])
