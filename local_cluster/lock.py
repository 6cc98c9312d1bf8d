"""One change at a time for each cluster."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_cluster.errors import BusyError


@contextmanager
def locked(path: Path, command: str) -> Iterator[None]:
    """Hold a cluster's lock; the kernel frees it however the holder ends.

    Args:
        path: the lock file; made where it is missing; it stays, since a new one could be locked beside it.
        command: what the holder does, for the message that another one gets.

    Raises:
        BusyError: another process holds it.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 200).decode(errors="replace").strip() or "another command"
        os.close(descriptor)
        raise BusyError(f"{holder} is at work on this cluster: wait until it ends, then try again") from None
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"`{command}` (process {os.getpid()})\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
