"""The page whose commands the guest's story runs."""

import re

import pytest

from tests.guest.guest import NAMESPACES
from tests.guest.page import PAGE, block, blocks, names

GIVEN_BY_THE_READER = {"REGISTRY_USER", "REGISTRY_PASSWORD", "RELEASE", "TARGET"}
OF_THE_SHELL = {"HOME", "PATH", "PWD"}


def test_the_names_are_what_a_reader_sets_first() -> None:
    assert {"STACK", "NAMESPACE", "REGISTRY", "BACKEND", "GATEWAY_PORT", "ACCESS_MODE"} <= names()


@pytest.mark.parametrize("what", [what for what in blocks() if what != "names"])
def test_a_command_uses_no_name_that_nobody_has_set(what: str) -> None:
    used = set(re.findall(r"\$\{?([A-Z_]+)", block(what)))
    set_here = set(re.findall(r"([A-Z_]+)=", block("team login", "team backend")))

    assert used <= names() | GIVEN_BY_THE_READER | OF_THE_SHELL | set_here


def test_each_command_of_the_page_is_a_reader_s_and_is_run() -> None:
    """A block that is marked as shell without a name would be read and never run."""
    text = PAGE.read_text(encoding="utf-8")
    story = "".join(path.read_text() for path in sorted((PAGE.parent.parent / "tests" / "guest").glob("test_*.py")))

    assert not re.search(r"^```(sh|bash|shell)$", text, re.MULTILINE)
    assert [what for what in blocks() if what != "names" and f'"{what}"' not in story] == []


def test_the_stacks_of_the_story_live_in_two_namespaces() -> None:
    assert NAMESPACES == {"staging": "team-a", "prod": "team-b", "plain": "team-b"}
