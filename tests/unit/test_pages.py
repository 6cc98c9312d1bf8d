"""What the pages show of a way in is one that a stack can have, word for word."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import config_from_values
from infra.config.peer_rules import EMBEDDED_GATEWAY
from infra.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")))
ENDPOINT = "densenet-triton:endpoint"
_YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def ways_in() -> Iterator[Any]:
    """The blocks of YAML that say one whole, each with its page and its place there."""
    for page in PAGES:
        for place, block in enumerate(_YAML.findall(page.read_text(encoding="utf-8"))):
            if ENDPOINT in block and "…" not in block:
                yield pytest.param(block, id=f"{page.name}-{place}")


@pytest.mark.parametrize("block", [*ways_in()])
def test_a_way_in_is_accepted_as_it_stands(block: str) -> None:
    stack = "dev" if EMBEDDED_GATEWAY in block else "h800"
    values = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    endpoint = yaml.safe_load(block)[ENDPOINT]
    faults: list[str] = []

    try:
        config_from_values(values | {ENDPOINT: endpoint}, stack="x")
    except ConfigError as error:
        faults = str(error).splitlines()

    assert faults == []
