"""The commands of a page of the documentation, so that tests can run the very same lines."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.workspace import ROOT

PAGE = ROOT / "docs" / "own-cluster.md"
CLIENTS = ROOT / "docs" / "clients.md"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
"""What the commands run in: it ends at the first failure, as a reader does."""

_BLOCK = re.compile(r"^```sh (?P<what>[^\n]+)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"(?:^export | )([A-Z_]+)=")


def blocks(page: Path = PAGE) -> dict[str, str]:
    """Return a page's commands by what stands after `sh` where a block begins, whose they are and what they do."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    assert len(dict(found)) == len(found), "two blocks of the page have one name"
    return dict(found)


def block(*what: str, page: Path = PAGE) -> str:
    """Return blocks of a page, to be run one after the other in one shell."""
    return "".join(blocks(page)[each] for each in what)


def groups(page: Path) -> dict[str, Any]:
    """Return the configuration that a page's first block of YAML is, by group."""
    found: dict[str, Any] = yaml.safe_load(
        page.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    )
    return found


def names() -> set[str]:
    """Return the variables that the page asks a reader to set first."""
    return {name for line in block("names").splitlines() for name in _NAME.findall(line.partition(" #")[0])}


def run_as_administrator(lines: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run lines of the administrator's, with all rights; they must succeed. Returns what they printed."""
    result = subprocess.run(
        [*SHELL, lines], cwd=folder, env=dict(environment), check=False, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, f"{lines}\n{result.stdout}{result.stderr}"
    return result.stdout
