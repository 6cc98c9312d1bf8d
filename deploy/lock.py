"""One run at a time on a stack."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import DeployError


@contextlib.contextmanager
def stack_lock(folder: Path, stack: str) -> Iterator[None]:
    """Hold the stack's lock while the context lasts; the kernel lets go of it when the process ends in any way.

    Raises:
        DeployError: another run holds it.
    """
    with (folder / f"{stack}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeployError(f"another run is working on stack {stack}; wait for it, then repeat") from error
        yield
