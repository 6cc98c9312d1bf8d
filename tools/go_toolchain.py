"""The Go toolchain: is it there and new enough, and how its commands are run."""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tools.cache import BuildFolder
from tools.errors import BuildError, ToolchainError
from tools.progress import TICK_S, Progress

_KEPT_LINES = 20
_FIRST_THAT_FETCHES = (1, 21, 0)
_PACKAGE = re.compile(r"[\w.~+-]+(/[\w.~+-]+)*")
_NETWORK = (
    "dial tcp",
    "i/o timeout",
    "no such host",
    "TLS handshake",
    "connection re",
    "proxyconnect",
    "502 Bad",
    "503 S",
)
_CAUSES = (
    (_NETWORK, "a Go module could not be downloaded; look at the network and at GOPROXY (go env GOPROXY)"),
    (("no space left on device",), "the disk is full; free some space"),
    (("checksum mismatch", "SECURITY ERROR", "missing go.sum entry"), "a Go module is not the one that go.sum pins"),
)


def release_of_toolchain(folders: Iterable[Path]) -> str:
    """Return the release of the Go on PATH, such as `1.26.8`, which can build the modules in these folders.

    Raises:
        ToolchainError: there is none, or it is older than a go.mod asks and may not fetch a newer one.
    """
    if shutil.which("go") is None:
        raise ToolchainError("go is not on PATH; install Go from https://go.dev/dl/ and run the command again")
    found = _release(_go_env("GOVERSION"))
    needed = max(_release_needed(folder) for folder in folders)
    release = ".".join(map(str, found))
    # a Go that knows no GOTOOLCHAIN answers with an empty line
    if found < needed and not _go_env("GOTOOLCHAIN").endswith(("auto", "path")):
        fetching = ", or let Go fetch it: export GOTOOLCHAIN=auto" if found >= _FIRST_THAT_FETCHES else ""
        raise ToolchainError(
            f"{shutil.which('go')} is Go {release}, but {'.'.join(map(str, needed))} or newer is needed; "
            f"install it from https://go.dev/dl/{fetching}"
        )
    return release


def _release_needed(folder: Path) -> tuple[int, ...]:
    found = re.search(r"^go \S+$", (folder / "go.mod").read_text(), re.MULTILINE)
    return _release(found[0] if found else "")


def _release(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in found.groups()) if found else (0, 0, 0)


def _go_env(name: str) -> str:
    # outside any module, so that a go.mod that asks for more does not answer instead
    result = subprocess.run(["go", "env", name], cwd="/", check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise ToolchainError(f"'go env {name}' failed: {result.stderr.strip()}; reinstall Go from https://go.dev/dl/")
    return result.stdout.strip()


@dataclass
class _Output:
    """What a go command has said so far: what it counts, and the lines that may explain a failure."""

    packages: int = 0
    downloads: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def read(self, stream: IO[str]) -> None:
        for line in stream:
            text = line.rstrip()
            if text.startswith("go: downloading "):
                self.downloads += 1
            elif _PACKAGE.fullmatch(text):
                self.packages += 1
            elif text:
                self.lines.append(text)

    def __str__(self) -> str:
        return f"{self.downloads} modules downloaded, {self.packages} packages compiled"


class GoCommands:
    """Runs go commands with caches of their own in a build folder.

    Args:
        build_folder: takes Go's module cache, build cache and temporary files.
    """

    def __init__(self, build_folder: BuildFolder) -> None:
        self._build_folder = build_folder
        self._environment = os.environ | {
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
            "GOWORK": "off",
            **{
                name: str(_made(build_folder.path / name.lower()))
                for name in ("GOPATH", "GOMODCACHE", "GOCACHE", "GOTMPDIR")
            },
        }

    def run(self, arguments: Sequence[str], cwd: Path, progress: Progress) -> str:
        """Run a go command, show its progress and return what it prints on standard output.

        Raises:
            BuildError: it failed; its last lines were shown.
        """
        printed: list[str] = []
        said = _Output()
        process: subprocess.Popen[str] | None = None
        try:
            with _interrupts_held():  # until there is a process to end
                process = self._started(arguments, cwd)
            readers = [
                threading.Thread(target=said.read, args=[process.stderr], daemon=True),
                threading.Thread(target=printed.extend, args=[process.stdout], daemon=True),
            ]
            for reader in readers:
                reader.start()
            for reader in readers:
                while reader.is_alive():
                    reader.join(TICK_S)
                    progress.update(str(said))
            returncode = process.wait()
        except KeyboardInterrupt:
            progress.finish("interrupted")
            raise
        finally:
            if process is not None:
                _end(process)
        if returncode != 0:
            progress.finish("failed")
            raise _failure(f"{cwd.name}: 'go {arguments[0]}' ended with status {returncode}", said.lines)
        return "".join(printed)

    def _started(self, arguments: Sequence[str], cwd: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["go", *arguments],
            cwd=cwd,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # a session of its own: the terminal's Ctrl-C reaches this process alone, which then ends all of go's
            start_new_session=True,
            pass_fds=[self._build_folder.alive],
        )


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let signals that would end this process wait, so that nothing is started and then forgotten."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _failure(what: str, lines: Iterable[str]) -> BuildError:
    text = "\n".join(lines)
    known = (cause for signs, cause in _CAUSES if any(sign in text for sign in signs))
    cause = next(known, "its last lines stand above")
    return BuildError(f"{what}: {cause}; what is built already stays, the same command goes on from here", text)
