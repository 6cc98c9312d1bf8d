"""A tiny tool whose Go module needs nothing but Go: built by the same code as the real ones."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

_LIST = """
[tool.hello]
serves = ["cluster"]
folder = "hello"
files = [{ glob = "words.txt", to = "share/words" }]
build_s = 1
disk_gib = 1
stamp = { "main.word" = "hello" }

[tool.hello.programs.hello]
package = "."
ask = ["--version"]
suitable = ">=2, <3"
"""
_MAIN = 'package main\n\nvar word = "nothing"\n\nfunc main() { println(word) }\n'

ProgramMaker = Callable[..., Path]


class Clock:
    """A clock that a test moves.

    Attributes:
        now: what it shows, in seconds.
    """

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def programs_toml(tmp_path: Path) -> Path:
    """A list of one tool, its module beside it."""
    module = tmp_path / "clone" / "go" / "hello"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.21\n")
    (module / "main.go").write_text(_MAIN)
    (module / "words.txt").write_text("good morning\n")
    listed = tmp_path / "clone" / "programs.toml"
    listed.write_text(_LIST)
    return listed


@pytest.fixture
def make_program() -> ProgramMaker:
    """Write an executable that answers any question with a text, and notes that it was asked."""

    def make(path: Path, says: str, status: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho asked >>{path}.asked\necho '{says}'\nexit {status}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make
