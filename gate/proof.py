"""One run of the smoke tests, and what they found."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from deploy.errors import DeployError, TurnedAwayError, UnreachedError
from gate.errors import FailedError, GateError, WrongAnswerError
from gate.evidence.document import Check, SmokeRun
from gate.evidence.junit import smoke_run_from_junit


class Provable(Protocol):
    """What is deployed and can be asked."""

    def prove(self, junit: Path) -> None:
        """Run its smoke tests, and have their report written."""


When = Literal["after", "after the pause", "restored"]
"""In the gate's sequence."""


def prove(subject: Provable, when: When, *, keep: Callable[[SmokeRun], None]) -> None:
    """Run the smoke tests, and keep what they found whether they passed or not.

    Args:
        subject: what is asked.
        when: in the gate's sequence.
        keep: is given what was found.

    Raises:
        WrongAnswerError: a test failed; a line for each.
        UnreachedError: the URL was not reached.
        TurnedAwayError: its door let nobody in.
        FailedError: the tests broke off.
        DeployError: they could not be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "smoke.xml"
        failed: DeployError | None = None
        since = time.monotonic()
        try:
            subject.prove(junit)
        except (UnreachedError, TurnedAwayError) as error:
            keep(_run_without_a_way(error, junit, when, seconds=time.monotonic() - since))
            raise
        except DeployError as error:
            if not junit.exists():
                raise
            failed = error
        found = smoke_run_from_junit(junit, when)
    keep(found)
    wrong = [f"{check.name}: {_first_line(check.message)}" for check in found.checks if check.outcome == "failed"]
    if failed or not found.proven:
        reasons = "\n".join([f"the smoke tests {when} failed", *(wrong or [str(failed)])])
        raise (WrongAnswerError if wrong else FailedError)(reasons) from failed


def _run_without_a_way(error: UnreachedError | TurnedAwayError, junit: Path, when: When, *, seconds: float) -> SmokeRun:
    """What was found of a URL whose way is closed: that, and the tests before it was."""
    way: Literal["unreached", "turned away"] = "unreached" if isinstance(error, UnreachedError) else "turned away"
    try:
        checks = smoke_run_from_junit(junit, when).checks
    except GateError:  # none was run
        checks = ()
    closed = Check(name="the URL is reached", outcome="failed", seconds=seconds, message=str(error))
    return SmokeRun(when=when, seconds=seconds, checks=(closed, *checks), way=way)


def _first_line(message: str) -> str:
    return message.splitlines()[0] if message else "failed"
