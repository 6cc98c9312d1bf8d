"""One run at a time."""

import contextlib
import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deploy.errors import DeployError

_LOOK_S = 0.5


@contextlib.contextmanager
def exclusive_run(folder: Path, what: str, *, patience_s: float = 0) -> Iterator[None]:
    """Hold a lock while the context lasts; the kernel lets go of it when the process ends in any way.

    Args:
        folder: where the lock's file lies.
        what: what the run works on, for example "stack dev".
        patience_s: how long another run is waited for.

    Raises:
        DeployError: another run holds it.
    """
    with (folder / f"{what.replace(' ', '-')}.lock").open("w") as file:
        deadline = time.monotonic() + patience_s
        while not _locked(file):
            if time.monotonic() >= deadline:
                raise DeployError(f"another run is working on {what}; wait for it, then repeat")
            threading.Event().wait(_LOOK_S)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
