"""The user's cache folder: where built tools lie, by content, and how they get there whole or not at all.

Beside the published tools lie, with a leading dot: `.lock` (taken while build folders come and go), `.locks/`
(one for each tool, held while it is built) and `.build-*` (one for each run that builds, gone at its end).
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.catalogue import Tool

_FORMAT = 1


@dataclass(frozen=True)
class Cache:
    """The tools' part of the user's cache, shared by all clones."""

    folder: Path

    @classmethod
    def of_user(cls) -> "Cache":
        """Return the cache in XDG_CACHE_HOME, which is ~/.cache unless it is set."""
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(home) / "densenet-triton" / "tools")

    def product(self, tool: Tool) -> Path:
        """Return where a tool is published: `bin/` and `share/` lie there, whole, once the folder exists."""
        return self.folder / f"{tool.name}-{content_key(tool)}"

    def publish(self, tool: Tool, finished: Path) -> None:
        """Move a finished folder, which must lie in a build folder of this cache, to its place by one rename."""
        for path in finished.rglob("*"):
            _flush(path)
        finished.rename(self.product(tool))

    @contextmanager
    def lock(self, tool: Tool, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the right to build a tool; `on_wait` is called once if another process holds it."""
        locks = self.folder / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / self.product(tool).name).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def build_folder(self) -> Iterator["BuildFolder"]:
        """Give a folder for one run's builds and remove it at the end, however the run ends."""
        with self._registry():
            path = Path(tempfile.mkdtemp(prefix=".build-", dir=self.folder))
            alive = (path / "alive").open("w")
            fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            yield BuildFolder(path, alive.fileno())
        finally:
            shutil.rmtree(path)
            alive.close()

    def remove_stale_builds(self, on_removal: Callable[[Path], None]) -> None:
        """Remove the build folders of runs that are dead: nothing holds their `alive` any more."""
        if not any(self.folder.glob(".build-*")):
            return
        with self._registry():
            for path in self.folder.glob(".build-*"):
                if not _is_alive(path):
                    on_removal(path)
                    shutil.rmtree(path)

    @contextmanager
    def _registry(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class BuildFolder:
    """One run's scratch folder; a process that inherits `alive` keeps it from being called stale."""

    path: Path
    alive: int


def content_key(tool: Tool) -> str:
    """Return 16 hexadecimal digits that stand for everything that makes a tool what it is.

    That is the pinned sources, the build's settings and the platform. The Go release is not part of it: a patch
    release of Go is no reason to build everything again, and a full cache serves a machine without Go.
    """
    settings = {
        "format": _FORMAT,
        "platform": [sys.platform, platform.machine()],
        "programs": [[program.name, program.package] for program in tool.programs],
        "tags": tool.tags,
        "ldflags": tool.ldflags(),
        "embedded": [asdict(files) for files in tool.embedded],
        "files": [asdict(files) for files in tool.files],
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for source in sources(tool):
        digest.update(f"\0{source.name}\0".encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def sources(tool: Tool) -> list[Path]:
    """Return a tool's own files: its go.mod, go.sum and Go files, and what `files` takes from its folder."""
    patterns = ["go.mod", "go.sum", "*.go", *(files.glob for files in tool.files if files.module is None)]
    return sorted({path for pattern in patterns for path in tool.folder.glob(pattern)})


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_alive(build_folder: Path) -> bool:
    try:
        with (build_folder / "alive").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
