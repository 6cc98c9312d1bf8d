"""The locks of Pulumi's file backend: a killed run leaves its own, and Pulumi refuses whoever comes after it."""

import json
import socket
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import psutil

_ORPHAN_S = 900


def remove_dead_locks(backend: str, stack: str) -> None:
    """Remove the locks of killed runs on a stack: only where the host is this one and the process is dead.

    A Pulumi that outlives the run that started it is waited for: it ends its update by itself.

    Args:
        backend: URL of where the stacks are kept; one that is no folder has no such locks.
        stack: the last part of the stack's name.
    """
    url = urlparse(backend)
    if url.scheme != "file":
        return
    locks = Path(unquote(url.path)) / ".pulumi" / "locks"
    for lock in locks.glob(f"*/*/{stack}/*.json"):
        try:
            owner = json.loads(lock.read_text())
            host, pid = str(owner["hostname"]), int(owner["pid"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            continue  # just removed, or cut off while it was written: Pulumi says what it makes of it
        if host == socket.gethostname() and _has_ended(pid):
            lock.unlink(missing_ok=True)


def _has_ended(pid: int) -> bool:
    """Wait for a Pulumi that works on the stack, for a while; return whether it is gone."""
    try:
        process = psutil.Process(pid)
        print(f"waiting for Pulumi's process {pid}, which works on the stack", file=sys.stderr)  # noqa: T201 - progress
        process.wait(_ORPHAN_S)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
