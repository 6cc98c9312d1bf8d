from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.errors import BuildError, ToolchainError
from tools.go_toolchain import GoCommands, release_of_toolchain
from tools.progress import Progress

FakeGo = Callable[[str], None]


@pytest.fixture
def module(programs_toml: Path) -> Path:
    return programs_toml.parent / "go" / "hello"


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """Put a shell script on PATH as `go`."""

    def make(script: str) -> None:
        go = tmp_path / "bin" / "go"
        go.parent.mkdir()
        go.write_text(f"#!/bin/sh\n{script}\n")
        go.chmod(0o755)
        monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")

    return make


def env_answers(release: str, toolchain: str) -> str:
    return f'case "$2" in GOVERSION) echo {release};; GOTOOLCHAIN) echo {toolchain};; esac'


def failure_of(tmp_path: Path, script_fails: FakeGo, says: str) -> BuildError:
    script_fails(f"echo '{says}' >&2; exit 1")
    cache = Cache(tmp_path / "cache")
    with cache.build_folder() as build_folder, pytest.raises(BuildError) as raised:
        GoCommands(build_folder).run(["build"], tmp_path, Progress("x"))
    return raised.value


def test_a_machine_without_go_is_told_where_to_get_it(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolchainError, match=r"go is not on PATH; install Go from https://go.dev/dl/"):
        release_of_toolchain([module])


def test_an_old_go_is_refused_with_both_versions(module: Path, fake_go: FakeGo) -> None:
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.26.6\n")
    fake_go(env_answers("go1.25.9", "local"))

    with pytest.raises(ToolchainError, match=r"is Go 1.25.9, but 1.26.6 or newer is needed; .* GOTOOLCHAIN=auto"):
        release_of_toolchain([module])


@pytest.mark.parametrize("release", ["go1.19.8", "go1.20.3"])
def test_a_go_that_cannot_fetch_a_newer_one_is_refused_and_not_told_to(
    release: str, module: Path, fake_go: FakeGo
) -> None:
    fake_go(env_answers(release, ""))

    with pytest.raises(ToolchainError, match=r"1.21.0 or newer is needed; install it from https://go.dev/dl/$"):
        release_of_toolchain([module])


def test_a_go_that_is_pinned_to_a_release_is_refused(module: Path, fake_go: FakeGo) -> None:
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.26.6\n")
    fake_go(env_answers("go1.25.0", "go1.25.0"))

    with pytest.raises(ToolchainError, match=r"is Go 1.25.0, but 1.26.6 or newer is needed; .* GOTOOLCHAIN=auto"):
        release_of_toolchain([module])


def test_an_old_go_that_may_fetch_a_newer_one_serves(module: Path, fake_go: FakeGo) -> None:
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.26.6\n")
    fake_go(env_answers("go1.25.9", "auto"))

    assert release_of_toolchain([module]) == "1.25.9"


def test_a_new_go_serves(module: Path, fake_go: FakeGo) -> None:
    fake_go(env_answers("go1.26", "local"))

    assert release_of_toolchain([module]) == "1.26.0"


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


def test_go_s_caches_lie_in_the_build_folder(tmp_path: Path, fake_go: FakeGo) -> None:
    fake_go('echo "$GOCACHE $GOMODCACHE $CGO_ENABLED"; echo a/b >&2')
    cache = Cache(tmp_path / "cache")

    with cache.build_folder() as build_folder:
        printed = GoCommands(build_folder).run(["env"], tmp_path, Progress("x"))

        assert printed.split() == [f"{build_folder.path}/gocache", f"{build_folder.path}/gomodcache", "0"]
