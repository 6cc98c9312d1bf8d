"""The blocks of docs/own-cluster.md, read from the page, so that tests can run the very same lines."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.workspace import ROOT

PAGE = ROOT / "docs" / "own-cluster.md"
_BLOCK = re.compile(r"^```sh (?P<whose>[^\n]+)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"(?:^export|\s)\s*([A-Z_]+)=")
_SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")


def blocks(*whose: str) -> list[str]:
    """Return the page's blocks of a kind, or of several, in its order.

    Args:
        whose: the words after `sh` where a block begins, such as `administrator once`.
    """
    found = [block["lines"] for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")) if block["whose"] in whose]
    assert found, f"{PAGE.name} has no block of {whose}"
    return found


def names() -> set[str]:
    """Return the variables that the page asks a reader to set first."""
    return {name for block in blocks("names") for line in block.splitlines() for name in _NAME.findall(line)}


def run_as_administrator(lines: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run lines of the administrator's, with all rights; they must succeed. Returns what they printed."""
    result = subprocess.run(
        [*_SHELL, lines], cwd=folder, env=dict(environment), check=False, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, f"{lines}\n{result.stdout}{result.stderr}"
    return result.stdout
