"""The storage's layout, its scratch folders, and publishing by one rename."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model_build.errors import StorageError
from model_build.spec import PLAN_ID

_FILE_MODE: Final = 0o444
_FOLDER_MODE: Final = 0o755
_OWNER_FILE: Final = "owner.lock"
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Storage:
    """A storage folder: what is published lies in ``repositories``, each plan under its id."""

    root: Path

    @property
    def sources(self) -> Path:
        """Source models by their SHA-256 that somebody else puts there: `make up`, as root, for pods to read."""
        return self.root / "sources"

    @property
    def downloads(self) -> Path:
        """Source models and pictures by their SHA-256 that builds have downloaded."""
        return self.root / "downloads"

    @property
    def engines(self) -> Path:
        """Compiled engines by their id: what cost minutes of a GPU, for every plan that serves it."""
        return self.root / "engines"

    @property
    def timing_caches(self) -> Path:
        """What TensorRT has measured on a GPU, kept for the next plan that is compiled for it."""
        return self.root / "timing-caches"

    def repository(self, plan_id: str) -> Path:
        """Return where a plan is published, whether it is or not."""
        return self.root / "repositories" / plan_id

    def published_plans(self) -> tuple[str, ...]:
        """Return the ids of all that is published."""
        folders = (self.root / "repositories").glob("*")
        return tuple(sorted(folder.name for folder in folders if PLAN_ID.fullmatch(folder.name)))

    @contextmanager
    def scratch(self, plan_id: str) -> Iterator[Path]:
        """Give an empty folder on the storage's own filesystem, removed at the end.

        A lock on a file beside it is held as long as its build lives. A killed build's lock falls with its
        process: so the next build sees what is abandoned, and removes it.
        """
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        with locked(scratch / ".lock"):
            _remove_abandoned(scratch)
            folder = Path(tempfile.mkdtemp(prefix=f"{plan_id}.", dir=scratch))
            owner = (folder / _OWNER_FILE).open("w")
            fcntl.flock(owner, fcntl.LOCK_EX)
        work = folder / "work"
        try:
            work.mkdir()
            yield work
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            owner.close()

    def publish(self, folder: Path, plan_id: str) -> bool:
        """Publish a finished repository by one rename.

        Returns:
            Whether it was published; False where another build of the same plan was first.
        """
        _settle(folder)
        destination = self.repository(plan_id)
        destination.parent.mkdir(exist_ok=True)
        try:
            folder.rename(destination)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
            return False
        sync(destination.parent)
        return True

    def withdraw(self, plan_id: str, scratch: Path) -> bool:
        """Take a repository out of what is published, by one rename.

        Returns:
            Whether it was withdrawn; False where it is not published.
        """
        published = self.repository(plan_id)
        try:
            published.rename(scratch / plan_id)
        except FileNotFoundError:
            return False
        sync(published.parent)
        return True


@contextmanager
def opened_storage(root: Path) -> Iterator[Storage]:
    """Give the storage, and turn what its filesystem refuses into one readable line.

    Raises:
        StorageError: it does not exist, is full, or cannot be written.
    """
    if not root.is_dir():
        raise StorageError(f"{root} is no folder; accepted: --storage with the mounted storage")
    try:
        yield Storage(root)
    except OSError as error:
        if error.errno in _FULL:
            free_mib = shutil.disk_usage(root).free >> 20
            raise StorageError(
                f"{root} is full ({free_mib} MiB free) and nothing was published; free some space and run again"
            ) from error
        raise StorageError(f"{error.filename or root}: {error.strerror or error}") from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file; it falls with the process that holds it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_abandoned(scratch: Path) -> None:
    """Remove the folders whose owner's lock nobody holds any more."""
    for folder in [path for path in scratch.iterdir() if path.is_dir()]:
        with suppress(FileNotFoundError), (folder / _OWNER_FILE).open("w") as owner:  # it may just be ending
            try:
                fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(folder, ignore_errors=True)


def _settle(folder: Path) -> None:
    """Bring a repository to the disk, readable by every user and writable by none but its owner."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.chmod(_FOLDER_MODE if path.is_dir() else _FILE_MODE)
        sync(path)
    folder.chmod(_FOLDER_MODE)
    sync(folder)


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
