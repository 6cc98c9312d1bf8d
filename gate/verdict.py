"""How a run ends: its evidence is written, and its verdict said."""

import sys
from typing import Literal

from deploy.commands import ROOT
from gate.evidence import Evidence
from gate.summary import write_reports

Status = Literal[0, 1, 2, 3]
"""Exit status: 0 deployed and proven, 1 refused with nothing changed, 2 the last good release is back, 3 it is not."""

EVIDENCE = ROOT / "evidence"


def closed(evidence: Evidence) -> Status:
    """Write a run's reports, say its verdict, and return its status."""
    folder = EVIDENCE / evidence.stack / evidence.run
    write_reports(evidence, folder)
    verdict, summary = evidence.verdict, folder / "summary.md"
    first = summary.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
    say("\n".join(["", *verdict.reasons, f"gate: {first} (status {verdict.status})"]))
    say(f"evidence: {summary.relative_to(ROOT)}")
    return verdict.status


def say(text: str) -> None:
    """Tell the user how things go, at once."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - progress
