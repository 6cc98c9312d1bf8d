"""How a run ends: its evidence is written, and its verdict said."""

import contextlib
import sys
from typing import Literal

from deploy.commands import ROOT
from gate.evidence.document import Evidence
from gate.evidence.summary import summary_from_evidence, write_reports
from infra.config import hidden, short_name

Status = Literal[0, 1, 2, 3, 130]
"""Exit status.

0: deployed and proven; 1: refused, nothing changed; 2: the last good release is back; 3: it is not; 130: interrupted.
"""

EVIDENCE = ROOT / "evidence"


def closed(evidence: Evidence) -> Status:
    """Write a run's reports, say its verdict, and return its status, which no full disk changes."""
    verdict = evidence.verdict
    first = summary_from_evidence(evidence).splitlines()[0].lstrip("# ")
    say("\n".join(["", *verdict.reasons, f"gate: {first} (status {verdict.status})"]))
    folder = EVIDENCE / short_name(evidence.stack) / evidence.run
    try:
        write_reports(evidence, folder)
    except OSError as error:
        say(f"the evidence could not be written to {folder}: {error.strerror or error}; make room there")
    else:
        say(f"evidence: {(folder / 'summary.md').relative_to(ROOT)}")
    return verdict.status


def say(text: str) -> None:
    """Tell the user how things go, at once; nobody has to listen."""
    with contextlib.suppress(OSError):
        print(hidden(text), file=sys.stderr, flush=True)  # noqa: T201 - progress
