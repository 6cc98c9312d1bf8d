"""docs/security.md names tests: each is there, and each row names one."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith(("| tries", "| | "))]
NAMED = re.compile(r"`((?:smoke_tests|tests)/[^`]+)`")


@pytest.mark.parametrize("path", sorted(set(NAMED.findall(PAGE))))
def test_each_test_that_the_page_names_is_there(path: str) -> None:
    assert (REPOSITORY / path).is_file()
    assert Path(path).name.startswith("test_")


def test_each_row_names_a_test() -> None:
    assert len(ROWS) > 12
    assert [row for row in ROWS if not NAMED.search(row.rpartition(" | ")[2])] == []


def test_all_twelve_points_are_there() -> None:
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)] == [*range(1, 13)]
