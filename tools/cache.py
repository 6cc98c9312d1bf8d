"""The user's cache folder: where built tools lie, by content, and how they get there whole or not at all.

Beside the published tools lie, with a leading dot: `.lock` (taken while build folders come and go), `.locks/`
(one for each tool, held while it is built), `.build-*` (one for each run that builds, gone at its end) and `.go`
(what Go has downloaded and compiled, gone when a run has built all that it wanted).
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
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.catalogue import Tool

_FORMAT = 1
_FLUSHED_ONE_BY_ONE = 200


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

    def found(self, tool: Tool) -> Path | None:
        """Return where a tool lies, out of its package or built instead, or None where it is still to be made."""
        places = (self.product(tool), self.product(tool.from_source()))
        return next((place for place in places if place.exists()), None)

    def publish(self, finished: Path, place: Path) -> None:
        """Move a finished folder, which must lie in a build folder of this cache, to its place by one rename."""
        _flush(finished)
        finished.rename(place)

    @contextmanager
    def lock(self, name: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the right to make what will be published by a name; `on_wait` is called if another process holds it."""
        locks = self.folder / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / name).open("w") as file:
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
    def go_caches(self) -> Iterator["GoCaches"]:
        """Give the Go caches that all runs share.

        They stay when a run fails or is interrupted, so that the next one goes on from there. A run that ends well
        removes them, or leaves that to another that is still at work.
        """
        folder = self.folder / ".go"
        in_use = self.folder / ".go.in-use"
        with self._registry():
            folder.mkdir(exist_ok=True)
            users = in_use.open("w")
            fcntl.flock(users, fcntl.LOCK_SH)
        with users:
            yield GoCaches(folder, users.fileno())
            with self._registry(), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._discard(folder)

    def discard(self, place: Path) -> None:
        """Remove what was published; interrupted, it is the stale build of a dead run, and never half there."""
        with self._registry():
            self._discard(place)

    def _discard(self, place: Path) -> None:
        gone = Path(tempfile.mkdtemp(prefix=".build-", dir=self.folder))
        shutil.rmtree(place.rename(gone / place.name))
        gone.rmdir()

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


@dataclass(frozen=True)
class GoCaches:
    """Go's module cache and build cache; a process that inherits `in_use` keeps them from being removed."""

    folder: Path
    in_use: int


def content_key(tool: Tool) -> str:
    """Return 16 hexadecimal digits that stand for everything that makes a tool what it is.

    That is a package's lock, or the pinned sources, the build's settings and the platform. The Go release is not part
    of it: a patch release of Go is no reason to build everything again, and a full cache serves a machine without Go.
    """
    if tool.prebuilt:
        return tool.prebuilt.key
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
        digest.update(f"\0{source.relative_to(tool.folder).as_posix()}\0".encode() + source.read_bytes())
    return digest.hexdigest()[:16]


def sources(tool: Tool) -> list[Path]:
    """Return a tool's own files: its go.mod, go.sum and Go files, and what `files` takes from its folder."""
    patterns = ["**/go.mod", "go.sum", "**/*.go", *(files.glob for files in tool.files if files.module is None)]
    return sorted({path for pattern in patterns for path in tool.folder.glob(pattern)})


def _flush(folder: Path) -> None:
    """Have the disk hold what a folder holds; thousands of files are cheaper with all else that waits."""
    paths = list(folder.rglob("*"))
    if len(paths) > _FLUSHED_ONE_BY_ONE:
        os.sync()
        return
    for path in paths:
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
