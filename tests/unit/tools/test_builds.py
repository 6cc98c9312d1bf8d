import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import builds
from tools.builds import build_missing
from tools.cache import Cache
from tools.catalogue import Tool, catalogue
from tools.errors import BuildError, DiskSpaceError
from tools.package import GO
from tools.prebuilt import package_folder
from tools.progress import Progress


def _a_go() -> Path | None:
    """The Go on PATH, or the one that a package has brought here."""
    of_package = package_folder(GO, Cache.of_user()) / "go" / "bin" / "go"
    on_path = shutil.which("go")
    return Path(on_path) if on_path else of_package if of_package.exists() else None


_GO = _a_go()
_needs_go = pytest.mark.skipif(_GO is None, reason="builds with a real Go: one on PATH, or make tools")

# Stands for `go`: it writes down each build, then builds what `DOES` says.
_FAKE_GO = """#!/bin/sh
log={log}
case "$1 $2" in
"env GOVERSION") echo go1.26.0 ;;
"env GOTOOLCHAIN") echo local ;;
build*)
    echo built >>$log
    for argument; do case "$argument" in -o=*) output=${{argument#-o=}} ;; esac; done
    {does}
    ;;
list*) echo a; echo b; echo c; echo d ;;
esac
"""
_BUILD = """
import signal, sys
from pathlib import Path
from tools.builds import build_missing
from tools.cache import Cache
from tools.catalogue import catalogue
signal.signal(signal.SIGINT, signal.default_int_handler)  # even if these tests run in the background
build_missing(catalogue(Path(sys.argv[1])), Cache(Path(sys.argv[2])))
"""


@pytest.fixture(autouse=True)
def go_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    if _GO is not None:
        monkeypatch.setenv("PATH", f"{_GO.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def tool(programs_toml: Path) -> Tool:
    return catalogue(programs_toml)[0]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def fake_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Put a `go` on PATH that builds what a line of shell does; return the file that has a line for each build."""

    def make(does: str) -> Path:
        log = tmp_path / "go.log"
        go = tmp_path / "bin" / "go"
        go.parent.mkdir()
        go.write_text(_FAKE_GO.format(log=log, does=does))
        go.chmod(0o755)
        monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
        return log

    return make


def visible(cache: Cache) -> list[str]:
    """What lies in the cache but locks."""
    return [path.name for path in cache.folder.iterdir() if path.name not in {".lock", ".locks", ".go.in-use"}]


def start(programs_toml: Path, cache: Cache) -> subprocess.Popen[str]:
    """Build in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _BUILD, programs_toml, cache.folder], stderr=subprocess.PIPE, text=True
    )


@_needs_go
def test_a_tool_is_built_once_and_only_its_product_stays(
    tool: Tool, cache: Cache, capfd: pytest.CaptureFixture[str]
) -> None:
    build_missing([tool], cache)

    product = cache.product(tool)
    assert visible(cache) == [product.name]
    assert (product / "share" / "words" / "words.txt").read_text() == "good morning\n"
    ran = subprocess.run([product / "bin" / "hello"], check=True, capture_output=True, text=True)
    assert ran.stderr == "hello\n"

    capfd.readouterr()
    build_missing([tool], cache)
    assert capfd.readouterr().err == ""


@_needs_go
def test_a_build_that_fails_leaves_nothing_and_shows_the_compiler(
    tool: Tool, cache: Cache, programs_toml: Path
) -> None:
    (programs_toml.parent / "go" / "hello" / "main.go").write_text('package main\n\nimport "nowhere"\n')

    with pytest.raises(
        BuildError, match=r"^hello: 'go build' ended with status 1: its last lines stand above"
    ) as raised:
        build_missing([tool], cache)

    assert "main.go:3:8: package nowhere is not in std" in raised.value.output
    assert visible(cache) == [".go"]


def test_a_build_that_is_interrupted_ends_go_and_leaves_only_what_it_goes_on_from(
    programs_toml: Path, cache: Cache, tmp_path: Path, fake_go: Callable[[str], Path]
) -> None:
    os.mkfifo(tmp_path / "fifo")
    fake_go(f"echo half >$output; echo $$ >{tmp_path}/fifo; exec sleep 1000")
    process = start(programs_toml, cache)
    go = os.pidfd_open(int((tmp_path / "fifo").read_text()))

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGINT
    assert select.select([go], [], [], 0)[0], "go still runs"
    assert visible(cache) == [".go"]


@_needs_go
def test_the_next_run_goes_on_from_what_was_compiled(tool: Tool, cache: Cache, programs_toml: Path) -> None:
    main = programs_toml.parent / "go" / "hello" / "main.go"
    right = main.read_text()
    main.write_text('package main\n\nimport "strings"\n\nfunc main() { strings.Nothing() }\n')
    with pytest.raises(BuildError, match="ended with status 1"):
        build_missing([tool], cache)
    assert len(list((cache.folder / ".go" / "compiled").rglob("*-d"))) > 10
    stays = cache.folder / ".go" / "compiled" / "stays"
    stays.touch()
    main.write_text(f"{right}\nfunc init() {{}}\n")

    with cache.go_caches():  # another run at work, which keeps them for itself
        build_missing(catalogue(programs_toml), cache)
        assert stays.exists()

    assert not stays.exists()
    assert [name for name in visible(cache) if not name.startswith("hello-")] == []


def test_progress_says_how_far_and_how_long(
    tool: Tool, cache: Cache, fake_go: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(Progress, "update", lambda _self, text: lines.append(text))
    fake_go("echo a/b >&2; echo hello >$output; sleep 1.5")

    build_missing([tool], cache)

    assert lines[-1] == "1 of 1, less than a minute left: 1 of 4 packages"


def test_a_module_that_a_lost_connection_kept_away_is_asked_for_again(
    tool: Tool, cache: Cache, fake_go: Callable[[str], Path]
) -> None:
    log = fake_go('[ "$(wc -l <$log)" -gt 2 ] || { echo dial tcp: i/o timeout >&2; exit 1; }; echo hello >$output')

    build_missing([tool], cache)

    assert log.read_text() == "built\n" * 3


def test_what_a_killed_build_left_is_removed_by_the_next(tool: Tool, cache: Cache) -> None:
    killed = cache.folder / ".build-killed"
    killed.mkdir(parents=True)
    cache.product(tool).mkdir()

    build_missing([tool], cache)

    assert not killed.exists()


def test_two_processes_at_once_build_once(
    programs_toml: Path, tool: Tool, cache: Cache, fake_go: Callable[[str], Path]
) -> None:
    log = fake_go("echo hello >$output")
    with cache.lock(cache.product(tool).name, lambda: None):
        processes = [start(programs_toml, cache) for _ in range(2)]
        for process in processes:
            assert process.stderr is not None
            while process.stderr.readline() != "waiting for another process that builds hello\n":
                pass
    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0, 0]
    assert log.read_text() == "built\n"
    assert visible(cache) == [cache.product(tool).name]


def test_a_program_that_go_does_not_give_is_named(tool: Tool, cache: Cache, fake_go: Callable[[str], Path]) -> None:
    fake_go(":")

    with pytest.raises(BuildError, match="building hello gave no hello"):
        build_missing([tool], cache)

    assert visible(cache) == [".go"]


@_needs_go
def test_a_disk_that_is_too_small_is_refused_before_anything_is_built(
    tool: Tool, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "_GIB", 2**60)

    with pytest.raises(DiskSpaceError, match=r"has 0.0 GiB free, but building needs 1, .*XDG_CACHE_HOME"):
        build_missing([tool], cache)


@_needs_go
def test_a_cache_that_cannot_be_made_is_one_line(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BuildError, match=r"file/cache: Not a directory; make .* writable.*XDG_CACHE_HOME"):
        build_missing([tool], Cache(tmp_path / "file" / "cache"))


@_needs_go
def test_a_file_that_does_not_exist_is_named(programs_toml: Path, cache: Cache) -> None:
    (programs_toml.parent / "go" / "hello" / "words.txt").unlink()

    with pytest.raises(BuildError, match="has no words"):
        build_missing(catalogue(programs_toml), cache)

    assert visible(cache) == [".go"]
