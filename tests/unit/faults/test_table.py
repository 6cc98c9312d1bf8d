from datetime import date

import pytest

from tests.faults.account import Account
from tests.faults.table import Facts, Row, document_from_rows

FACTS = Facts(
    day=date(2026, 11, 23), commit="1b6c568", cores=2, memory_gib=23.5, versions={"Pulumi": "3.259.0"}, seconds=1800
)


def account(*, wrong: int = 0) -> Account:
    return Account(requests=80, failed=3, wrong=wrong, gap_s=1.26, wrong_for_s=wrong * 2.5, reasons=())


def line(*, wrong: int = 0, gate: str = "0: proven") -> str:
    """The last line of a table of one row."""
    row = Row(fault="A pod killed", account=account(wrong=wrong), gate=gate, serving="release A, plan b")
    return document_from_rows([row], FACTS, rate_per_s=8, patience_s=10).splitlines()[-1]


def test_a_row_says_what_was_seen() -> None:
    assert line() == "| A pod killed | 80 | 3 | 0 | 1.3 | 0: proven | release A, plan b |"


def test_wrong_answers_are_told_with_how_long_they_lasted() -> None:
    assert "| 4 (over 10.0 s) |" in line(wrong=4)


@pytest.mark.parametrize(("gate", "shown"), [("a | b\nc", r"a \| b c"), ("x" * 161, "x" * 159 + "…")])
def test_what_the_gate_said_stays_in_its_cell(gate: str, shown: str) -> None:
    assert f"| {shown} |" in line(gate=gate)


def test_the_head_names_the_run_the_machine_and_the_load() -> None:
    head = document_from_rows([], FACTS, rate_per_s=8, patience_s=10)

    assert (
        "Run on 2026-11-23 at commit 1b6c568, in 30 minutes, on a machine of 2 cores and 24 GiB; Pulumi 3.259.0."
        in head
    )
    assert "8 times a second" in head
    assert "with 10 s of patience" in head
