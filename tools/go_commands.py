"""How go's commands are run: with caches that an interrupted build goes on from."""

import os
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.cache import GoCaches
from tools.commands import run_followed
from tools.errors import BuildError
from tools.go_toolchain import Toolchain

_KEPT_LINES = 20
_ATTEMPTS = 3
_PACKAGE = re.compile(r"[\w.~+-]+(/[\w.~+-]+)*")
_NETWORK = (
    "dial tcp",
    "i/o timeout",
    "no such host",
    "TLS handshake",
    "connection re",
    "proxyconnect",
    "unexpected EOF",
    "502 Bad",
    "503 S",
)
_CAUSES = (
    (_NETWORK, "a Go module could not be downloaded; look at the network and at GOPROXY (go env GOPROXY)"),
    (("no space left on device",), "the disk is full; free some space"),
    (("checksum mismatch", "SECURITY ERROR", "missing go.sum entry"), "a Go module is not the one that go.sum pins"),
)


@dataclass
class Output:
    """What a go command has said so far: what it counts, and the lines that may explain a failure."""

    packages: int = 0
    downloads: int = 0
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))

    def take(self, line: str) -> None:
        """Count a line, or keep it."""
        text = line.rstrip()
        if text.startswith("go: downloading "):
            self.downloads += 1
        elif _PACKAGE.fullmatch(text):
            self.packages += 1
        elif text:
            self.lines.append(text)

    @property
    def names_the_network(self) -> bool:
        """Whether a module could not be downloaded."""
        return any(sign in line for line in self.lines for sign in _NETWORK)


class GoCommands:
    """Runs go commands.

    Args:
        toolchain: the Go that runs them.
        caches: where what was downloaded and compiled is kept.
        alive: descriptor that says, while it is open anywhere, that the run lives.
        scratch: an existing folder for go's temporary files.
    """

    def __init__(self, toolchain: Toolchain, caches: GoCaches, *, alive: int, scratch: Path) -> None:
        self._go = str(toolchain.program)
        self._inherited = (caches.in_use, alive)
        self._environment = {
            # the compiler collects its garbage less often, as long as that costs no machine its memory
            "GOGC": "400",
            "GOMEMLIMIT": "1536MiB",
            **os.environ,
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
            "GOWORK": "off",
            "GOPATH": str(caches.folder),
            "GOMODCACHE": str(caches.folder / "modules"),
            "GOCACHE": str(caches.folder / "compiled"),
            "GOTMPDIR": str(scratch),
            **toolchain.environment,
        }

    def run(
        self, arguments: Sequence[str], cwd: Path, on_progress: Callable[[Output], None] = lambda _said: None
    ) -> str:
        """Run a go command and return what it prints on standard output.

        What a lost connection has stopped is run again, and goes on from what is there.

        Args:
            arguments: of go.
            cwd: the module's folder.
            on_progress: told about once a second what was said so far.

        Raises:
            BuildError: it failed.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            said = Output()
            ended = run_followed(
                [self._go, *arguments],
                environment=self._environment,
                cwd=cwd,
                inherited=self._inherited,
                on_line=said.take,
                on_tick=lambda said=said: on_progress(said),  # type: ignore[misc]
            )
            if ended.status == 0:
                return ended.printed
            if not said.names_the_network or attempt == _ATTEMPTS:
                break
        raise _failure(f"{cwd.name}: 'go {arguments[0]}' ended with status {ended.status}", said.lines)


def _failure(what: str, lines: Sequence[str]) -> BuildError:
    text = "\n".join(lines)
    known = (cause for signs, cause in _CAUSES if any(sign in text for sign in signs))
    cause = next(known, "its last lines stand above")
    return BuildError(f"{what}: {cause}; what is built already stays, the same command goes on from here", text)
