"""The page whose commands the door's story runs."""

import re
from pathlib import Path

import pytest

from tests.guest.page import CLIENTS, block, blocks

STORY = Path(__file__).parents[2] / "e2e" / "test_08_door.py"


def test_each_command_of_the_page_is_run() -> None:
    """A block that is marked as shell without a name would be read and never run."""
    assert not re.search(r"^```(sh|bash|shell)$", CLIENTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [what for what in blocks(CLIENTS) if f'"{what}"' not in STORY.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("what", blocks(CLIENTS))
def test_a_command_uses_no_name_that_nobody_has_set(what: str) -> None:
    before = [*blocks(CLIENTS)]
    set_before = set(re.findall(r"([A-Z_]+)=", block(*before[: before.index(what) + 1], page=CLIENTS)))

    used = set(re.findall(r"\$\{?([A-Z_]+)", block(what, page=CLIENTS)))

    assert used <= set_before | {"DENSENET_TRITON_CA"}


@pytest.mark.parametrize("what", blocks(CLIENTS))
def test_no_key_stands_in_a_command_line(what: str) -> None:
    """Everybody on a machine can read those; a shell's own words, such as printf's, are none."""
    for line in block(what, page=CLIENTS).splitlines():
        if re.search(r"\$(DENSENET_TRITON|NEXT)_KEY", line):
            assert "<(printf " in line, line
