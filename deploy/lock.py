"""One run at a time."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import DeployError


@contextlib.contextmanager
def exclusive_run(folder: Path, what: str) -> Iterator[None]:
    """Hold a lock while the context lasts; the kernel lets go of it when the process ends in any way.

    Args:
        folder: where the lock's file lies.
        what: what the run works on, for example "stack dev".

    Raises:
        DeployError: another run holds it.
    """
    with (folder / f"{what.replace(' ', '-')}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeployError(f"another run is working on {what}; wait for it, then repeat") from error
        yield
