from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.errors import BuildError
from tools.go_commands import GoCommands
from tools.go_toolchain import Toolchain

FakeGo = Callable[[str], None]


@pytest.fixture
def fake_go(tmp_path: Path) -> FakeGo:
    """Write a shell script that stands for `go`."""

    def make(script: str) -> None:
        go = tmp_path / "go"
        go.write_text(f"#!/bin/sh\n{script}\n")
        go.chmod(0o755)

    return make


@contextmanager
def commands(cache: Cache, folder: Path) -> Iterator[GoCommands]:
    toolchain = Toolchain(folder / "go", "1.26.0")
    with cache.go_caches() as caches, cache.build_folder() as build_folder:
        yield GoCommands(toolchain, caches, alive=build_folder.alive, scratch=build_folder.path)


def failure_of(tmp_path: Path, script_fails: FakeGo, says: str, also: str = "") -> BuildError:
    script_fails(f"{also} echo '{says}' >&2; exit 1")
    with commands(Cache(tmp_path / "cache"), tmp_path) as go, pytest.raises(BuildError) as raised:
        go.run(["build"], tmp_path)
    return raised.value


def test_a_compiler_s_last_lines_are_kept(tmp_path: Path, fake_go: FakeGo) -> None:
    failure = failure_of(tmp_path, fake_go, "./main.go:3:1: undefined: x")

    assert "'go build' ended with status 1: its last lines stand above" in str(failure)
    assert failure.output == "./main.go:3:1: undefined: x"


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ("dial tcp: lookup proxy.golang.org: no such host", "could not be downloaded; look at the network"),
        ("write /x: no space left on device", "the disk is full"),
        ("verifying x: checksum mismatch", "not the one that go.sum pins"),
    ],
)
def test_a_known_cause_is_named(says: str, cause: str, tmp_path: Path, fake_go: FakeGo) -> None:
    assert cause in str(failure_of(tmp_path, fake_go, says))


def test_go_s_caches_are_the_shared_ones(tmp_path: Path, fake_go: FakeGo) -> None:
    fake_go('echo "$GOCACHE $GOMODCACHE $CGO_ENABLED"; echo a/b >&2')
    cache = Cache(tmp_path / "cache")

    with commands(cache, tmp_path) as go:
        printed = go.run(["env"], tmp_path)

    shared = cache.folder / ".go"
    assert printed.split() == [f"{shared}/compiled", f"{shared}/modules", "0"]


def test_a_lost_connection_is_given_three_attempts(tmp_path: Path, fake_go: FakeGo) -> None:
    failure_of(tmp_path, fake_go, "dial tcp: i/o timeout", also=f"echo tried >>{tmp_path}/log;")

    assert (tmp_path / "log").read_text() == "tried\n" * 3
