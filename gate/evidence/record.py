"""What a run has seen so far, gathered as it goes, until it is evidence."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from gate.evidence.document import (
    Check,
    Deployment,
    Evidence,
    Phase,
    PolicyOutcome,
    SmokeRun,
    Subject,
    Verdict,
    evidence_from_json,
    json_from_evidence,
)
from infra.config import hidden

Action = Literal["deploy", "promote", "rollback"]


@dataclass(kw_only=True)
class Record:
    """One run's findings.

    Attributes:
        stack: its name.
        action: what the user asked for.
        candidate: what is to be deployed, as far as it is known.
        run: its id.
    """

    stack: str
    action: Action
    candidate: Subject
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    run: str = field(init=False)
    previous: Subject | None = None
    before: list[Check] = field(default_factory=list)
    policies: tuple[PolicyOutcome, ...] = ()
    forecast: tuple[str, ...] = ()
    deployment: Deployment | None = None
    smoke: list[SmokeRun] = field(default_factory=list)
    phases: tuple[Phase, ...] = ()
    differences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.identify()

    def identify(self) -> None:
        """Name the run by the time; again once the stack is its own, so that no two have one name."""
        self.run = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")

    @contextlib.contextmanager
    def check(self, name: str) -> Iterator[list[str]]:
        """Time a check; the error that ends it is its message, and goes on.

        What it puts into the list that it is given is unknown, in a line each: then it has not passed, but was skipped.
        """
        since, unknown = time.monotonic(), list[str]()
        try:
            yield unknown
        except Exception as error:
            seconds = time.monotonic() - since
            self.before.append(Check(name=name, outcome="failed", seconds=seconds, message=str(error)))
            raise
        outcome: Literal["passed", "skipped"] = "skipped" if unknown else "passed"
        self.before.append(
            Check(name=name, outcome=outcome, seconds=time.monotonic() - since, message="\n".join(unknown))
        )

    @contextlib.contextmanager
    def deploying(self) -> Iterator[None]:
        """Time the deployment; the error that ends it is its reason, and goes on."""
        since = time.monotonic()
        outcome: Literal["succeeded", "failed", "interrupted"] = "interrupted"
        reasons: tuple[str, ...] = ()
        try:
            yield
            outcome = "succeeded"
        except Exception as error:
            outcome, reasons = "failed", tuple(str(error).splitlines())
            raise
        finally:
            self.deployment = Deployment(seconds=time.monotonic() - since, outcome=outcome, reasons=reasons)

    def evidence(self, verdict: Verdict) -> Evidence:
        """Close the record."""
        return _discreet(
            Evidence(
                run=self.run,
                stack=self.stack,
                action=self.action,
                started_at=self.started_at,
                finished_at=datetime.now(UTC),
                candidate=self.candidate,
                previous=self.previous,
                before=tuple(self.before),
                policies=self.policies,
                forecast=self.forecast,
                deployment=self.deployment,
                smoke=tuple(self.smoke),
                phases=self.phases,
                differences=self.differences,
                verdict=verdict,
            )
        )


def _discreet(evidence: Evidence) -> Evidence:
    """Evidence without the values that are secret, whoever has named them."""
    text = json_from_evidence(evidence)
    shown = hidden(text)
    return evidence if shown == text else evidence_from_json(shown, f"evidence of run {evidence.run}")
