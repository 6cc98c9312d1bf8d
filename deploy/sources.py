"""Staging a model that lies on the user's disk: pods can't read that, so it is copied to the storage.

The storage belongs to the pods' user, who can rename or replace whatever lies in it at any moment. So root works on the
folders that it has opened, never on a path, and follows no link; what it makes is its own, for pods to read.
"""

import hashlib
import os
import secrets
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.errors import DeployError
from infra.config import HostPathStorage, OnnxSource, StackConfig

_FOLDER = "sources"
_SCRATCH = ".staging-"
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK_BYTES = 1 << 20


def stage_source(config: StackConfig) -> None:
    """Copy a `file://` source to `sources/<sha256>` on the embedded cluster's storage, where the plan build looks.

    A pinned plan has been built and needs none.

    Raises:
        DeployError: the file has another digest than the configuration says, or something lies in its way.
    """
    source = config.model.source
    if not isinstance(source, OnnxSource) or source.local_path is None or config.model.plan is not None:
        return
    if not isinstance(config.storage, HostPathStorage):
        raise DeployError("model.source.url file:// needs storage.kind hostPath; accepted elsewhere: https://")
    storage = Path(config.storage.path)
    try:
        with _sources_of(storage) as folder:
            if not _is_staged(folder, storage / _FOLDER / source.sha256):
                _publish(source.local_path, folder, source.sha256)
    except OSError as error:
        raise DeployError(
            f"model.source {source.local_path} cannot be copied to {storage / _FOLDER}: {error.strerror or error}; "
            "mend that, then repeat"
        ) from error


@contextmanager
def _sources_of(storage: Path) -> Iterator[int]:
    """Give the descriptor of the storage's folder of sources, made where it is missing, and this user's own."""
    with _opened(storage, "accepted: the folder itself, which exists; set storage.path to it") as root:
        with suppress(FileExistsError):
            os.mkdir(_FOLDER, 0o755, dir_fd=root)
        path = storage / _FOLDER
        with _opened(path, f"accepted: a folder; remove it: rm {shlex.quote(str(path))}", at=root) as folder:
            # One that an older version has left belongs to the pods' user.
            os.fchown(folder, os.geteuid(), os.getegid())
            os.fchmod(folder, 0o755)  # which takes from an access list, too, what goes beyond
            yield folder


@contextmanager
def _opened(path: Path, cure: str, *, at: int | None = None) -> Iterator[int]:
    """Open a folder that is no link, by its path, or by its name in the folder whose descriptor is given."""
    name = path if at is None else path.name
    try:
        descriptor = os.open(name, _OPEN_FOLDER, dir_fd=at)
    except OSError as error:
        try:
            mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
        except OSError:
            raise error from None
        if stat.S_ISDIR(mode):
            raise
        raise DeployError(f"{path} is {_kind(mode)}, which nothing is written through; {cure}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _is_staged(folder: int, path: Path) -> bool:
    """Whether the file is there and this user's; one of the pods' user is an older version's, and is replaced."""
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise DeployError(
            f"{path} is {_kind(found.st_mode)}; accepted: a file, which is copied there; remove it: "
            f"rm -r {shlex.quote(str(path))}"
        )
    return found.st_uid == os.geteuid()


def _publish(path: Path, folder: int, sha256: str) -> None:
    """Copy by one rename, so that a killed copy is never taken for the file."""
    for name in os.listdir(folder):
        if name.startswith(_SCRATCH):  # what a killed copy has left: nobody else copies now
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
    scratch = f"{_SCRATCH}{secrets.token_hex(8)}"
    descriptor = os.open(scratch, _NEW_FILE, 0o644, dir_fd=folder)
    try:
        _copy(path, descriptor, sha256)
        os.rename(scratch, sha256, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(scratch, dir_fd=folder)
        raise


def _copy(path: Path, descriptor: int, sha256: str) -> None:
    """Copy a file that has this digest, all of it on the disk at the end; the descriptor is closed."""
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "wb") as target, path.open("rb") as source:
        os.fchmod(descriptor, 0o644)
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(descriptor)
    if digest.hexdigest() != sha256:
        raise DeployError(f"model.source.sha256 is {sha256}, but {path} has {digest.hexdigest()}; correct one of them")


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a FIFO", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file"}
    return kinds.get(stat.S_IFMT(mode), "a socket or a device")
