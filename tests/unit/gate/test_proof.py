from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.errors import DeployError
from gate.errors import FailedError, GateError
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

    def prove(self, junit: Path) -> None:
        if self.report is not None:
            junit.write_text(f'<testsuite time="2">{self.report}</testsuite>')
        if not self.ends_well:
            raise DeployError("it does not answer rightly")


def test_what_was_found_is_kept() -> None:
    kept: list[SmokeRun] = []

    prove(Asked(RIGHT), "after", keep=kept.append)

    assert [(run.when, run.seconds, run.proven) for run in kept] == [("after", 2, True)]


def test_each_wrong_answer_is_a_reason_and_is_kept_too() -> None:
    kept: list[SmokeRun] = []

    with pytest.raises(FailedError, match=r"^the smoke tests after the pause failed\nlabels: 2 of 1000 differ$"):
        prove(Asked(RIGHT + WRONG, ends_well=False), "after the pause", keep=kept.append)

    assert [run.proven for run in kept] == [False]


def test_a_report_with_a_failure_is_no_proof_whatever_the_status() -> None:
    with pytest.raises(FailedError, match="labels: 2 of 1000 differ"):
        prove(Asked(WRONG), "after", keep=lambda _: None)


def test_tests_that_broke_off_say_why() -> None:
    with pytest.raises(FailedError, match="it does not answer rightly"):
        prove(Asked(RIGHT, ends_well=False), "after", keep=lambda _: None)


def test_without_a_report_the_reason_is_the_tests_own() -> None:
    with pytest.raises(DeployError, match="it does not answer rightly"):
        prove(Asked(None, ends_well=False), "restored", keep=lambda _: None)


def test_no_test_is_no_pass() -> None:
    with pytest.raises(GateError, match="never a pass"):
        prove(Asked(""), "after", keep=lambda _: None)
