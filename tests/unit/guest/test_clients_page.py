"""The page whose commands the door's story runs."""

import re
from pathlib import Path

import pytest
import yaml

from infra.config import StackValues, config_from_stack_values
from infra.config.faults import StackFile
from tests.guest.page import CLIENTS, block, blocks, groups

ROOT = Path(__file__).resolve().parents[3]
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


def test_the_page_s_endpoint_is_one_that_a_stack_can_have() -> None:
    """With the clients that the page makes, and without a word of what is accepted knowingly."""
    values = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"] | groups(CLIENTS)
    values["densenet-triton:endpoint"]["clients"] = {"alice": "a" * 43, "bob": "b" * 43}
    places = ("endpoint.clients.alice", "endpoint.clients.bob")

    config = config_from_stack_values(StackValues(values=values, file=StackFile(stack="public"), secrets=places))

    assert (config.endpoint.accept_plain_http, sorted(config.endpoint.clients)) == (False, ["alice", "bob"])
