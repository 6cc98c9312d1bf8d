"""docs/reliability.md: what each fault did, as a table, from the run that saw it."""

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil

from tests.faults.account import Account

_SAID_CHARACTERS = 160
_HEAD = """\
# Reliability, measured

Written by `make test-faults`, from the one run that it tells of; nobody edits it. Each row is a test of
`tests/faults/`, and the file stands only when all of them have passed.

Each fault was done to the embedded cluster, with the real Triton and the real gate (`python -m gate run`), while
clients sent the picture of the mug through the gateway, {rate} times a second in all, each time on a new connection,
with {patience} s of patience. An answer is *right* when its three best classes, their labels and their scores are
those of the release's golden scores within their tolerance; *wrong* when it is a 200 and anything else; *failed*
when it is refused, an error, or late. The *gap* is the longest time between two right answers. One replica serves
unless the fault says otherwise. What the gate said begins with its exit status: 0 deployed and proven, 2 failed and
the last good release is back and proven again, 3 failed and the stack is not serving; its first reason follows.

{facts}

"""
_COLUMNS = ("Fault", "Requests", "Failed", "Wrong", "Gap, s", "What the gate said", "Serving afterwards")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one fault did.

    Attributes:
        fault: what was done, in words.
        account: what the clients saw.
        gate: what the gate said.
        serving: what served afterwards.
    """

    fault: str
    account: Account
    gate: str
    serving: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The run that the table is of.

    Attributes:
        day: when it was.
        commit: what was tested, as git describes it.
        cores: of the machine.
        memory_gib: of the machine.
        versions: by name.
        seconds: how long it took.
    """

    day: date
    commit: str
    cores: int
    memory_gib: float
    versions: dict[str, str]
    seconds: float

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"Run on {self.day.isoformat()} at commit {self.commit}, in {self.seconds / 60:.0f} minutes, on a machine "
            f"of {self.cores} cores and {self.memory_gib:.0f} GiB; {versions}."
        )


def facts_of_this_machine(checkout: Path, versions: dict[str, str], *, day: date, seconds: float) -> Facts:
    """Look at the machine and the checkout."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=checkout, check=True, capture_output=True, text=True
    ).stdout.strip()
    return Facts(
        day=day,
        commit=described,
        cores=psutil.cpu_count() or 1,
        memory_gib=psutil.virtual_memory().total / 2**30,
        versions={"Linux": platform.release().partition("-")[0], **versions},
        seconds=seconds,
    )


def document_from_rows(rows: Sequence[Row], facts: Facts, *, rate_per_s: float, patience_s: float) -> str:
    """Return the Markdown document.

    Args:
        rows: in the order of the table.
        facts: of the run that saw them.
        rate_per_s: of the load.
        patience_s: of its clients.
    """
    head = _HEAD.format(rate=f"{rate_per_s:g}", patience=f"{patience_s:g}", facts=facts)
    lines = [_line(_COLUMNS), _line(["---", *["---:"] * 4, "---", "---"]), *map(_row_line, rows)]
    return head + "".join(f"{line}\n" for line in lines)


def _row_line(row: Row) -> str:
    account = row.account
    wrong = f"{account.wrong} (over {account.wrong_for_s:.1f} s)" if account.wrong else "0"
    said = row.gate if len(row.gate) <= _SAID_CHARACTERS else f"{row.gate[: _SAID_CHARACTERS - 1]}…"
    counts = (str(account.requests), str(account.failed), wrong, f"{account.gap_s:.1f}")
    return _line([row.fault, *counts, said, row.serving])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|').replace(chr(10), ' ') for cell in cells)} |"
