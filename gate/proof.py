"""One run of the smoke tests, and what they found."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from deploy.errors import DeployError
from gate.errors import FailedError
from gate.evidence.document import SmokeRun
from gate.evidence.junit import smoke_run_from_junit


class Provable(Protocol):
    """What is deployed and can be asked."""

    def prove(self, junit: Path) -> None:
        """Run its smoke tests, and have their report written."""


def prove(
    subject: Provable, when: Literal["after", "after the pause", "restored"], *, keep: Callable[[SmokeRun], None]
) -> None:
    """Run the smoke tests, and keep what they found whether they passed or not.

    Args:
        subject: what is asked.
        when: in the gate's sequence.
        keep: is given what was found.

    Raises:
        FailedError: a test failed, or none was run; a line for each.
        DeployError: they could not be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "smoke.xml"
        failed: DeployError | None = None
        try:
            subject.prove(junit)
        except DeployError as error:
            if not junit.exists():
                raise
            failed = error
        found = smoke_run_from_junit(junit, when)
    keep(found)
    wrong = [f"{check.name}: {_first_line(check.message)}" for check in found.checks if check.outcome == "failed"]
    if failed or not found.proven:
        raise FailedError("\n".join([f"the smoke tests {when} failed", *(wrong or [str(failed)])])) from failed


def _first_line(message: str) -> str:
    return message.splitlines()[0] if message else "failed"
