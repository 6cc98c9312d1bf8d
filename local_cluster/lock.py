"""One change at a time for each cluster."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local_cluster.errors import BusyError


@contextmanager
def locked(path: Path, command: str) -> Iterator[None]:
    """Hold a cluster's lock; the kernel frees it however the holder ends.

    Args:
        path: the lock file; it and its folder are made where they are missing, and removed at the end.
        command: what the holder does, for the message that another one gets.

    Raises:
        BusyError: another process holds it.
    """
    descriptor = _lock(path)
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"`{command}` (process {os.getpid()})\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):  # other clusters are in it
            path.parent.rmdir()


def _lock(path: Path) -> int:
    """Return the locked file's descriptor."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue  # a former holder removed the folder at this very moment
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode(errors="replace").strip() or "another command"
            os.close(descriptor)
            raise BusyError(f"{holder} is at work on this cluster: wait until it ends, then try again") from None
        if _is_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # its former holder removed it between open and lock


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
