"""Files written whole or not at all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_cluster.errors import LocalClusterError

_BLOCK_BYTES = 2**20


class WriteError(LocalClusterError):
    """A file or folder can't be made: a full disk, say."""


def write_if_changed(path: Path, content: str | bytes, *, mode: int = 0o600) -> bool:
    """Make a file have this content and mode, by one rename.

    Args:
        path: the file; its folder exists.
        content: text is written as UTF-8.
        mode: permission bits of a new file.

    Returns:
        Whether the content was another before.

    Raises:
        WriteError: the disk is full, or the folder is not ours to write in.
    """
    data = content.encode() if isinstance(content, str) else content
    with _readable_errors(path):
        if path.is_file() and path.read_bytes() == data:
            return False
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        draft.replace(path)
    return True


def copy_program(source: Path, target: Path) -> tuple[os.stat_result, str]:
    """Copy an executable so that only its owner may change it; the copy is on the disk, whole, before it is there.

    Args:
        source: any executable file, or a link to one.
        target: the copy; its folder exists. A process that runs the one before goes on with that.

    Returns:
        What the source was when it was opened, and the SHA-256 of what was copied.

    Raises:
        WriteError: as `write_if_changed`.
    """
    digest = hashlib.sha256()
    draft = target.with_name(f".{target.name}.new")
    with _readable_errors(target):
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        with source.open("rb") as read, os.fdopen(descriptor, "wb") as written:
            origin = os.fstat(read.fileno())
            while block := read.read(_BLOCK_BYTES):
                digest.update(block)
                written.write(block)
            written.flush()
            os.fchmod(descriptor, 0o755)
            os.fsync(descriptor)
        draft.replace(target)
    return origin, digest.hexdigest()


def make_folder(path: Path, *, mode: int, owner: int | None = None) -> None:
    """Make a folder with exactly this mode, whatever the umask says, and with this user and group id, if given.

    Raises:
        WriteError: as `write_if_changed`.
    """
    with _readable_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if owner is not None:
            os.chown(path, owner, owner)


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(f"{path} can't be written: {error.strerror or error}; free some space or mend it") from error
