"""SHA-256 of bytes, of files and of whole folders."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from contract.digest import sha256_of_file
from model_build.errors import StorageError

TREE_DIGEST_COMMAND = "find . -type f -printf '%P\\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum"
"""Prints, inside a folder, the digest that ``tree_sha256`` computes for it."""


def sha256_of_bytes(data: bytes) -> str:
    """Return the SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def files_in(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder, sorted by path.

    Raises:
        StorageError: something there is neither a plain file nor a folder (a link could lead anywhere), or
            has a name that ``sha256sum`` would have to escape or that is no UTF-8.
    """
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise StorageError(f"{path} is neither a plain file nor a folder; accepted: those alone, no links")
        if "\n" in path.name or "\\" in path.name:
            raise StorageError(f"{str(path)!r} has a newline or a backslash in its name; rename it")
        if path.name.encode(errors="replace").decode() != path.name:
            raise StorageError(f"{str(path)!a} has a name that is no UTF-8 text; rename it")
        if path.is_file():
            yield path


def file_digests(folder: Path) -> dict[str, str]:
    """Return each file's SHA-256 by its POSIX path relative to the folder, sorted by path."""
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in files_in(folder)}


def tree_sha256(digests: dict[str, str]) -> str:
    r"""Return one digest for a folder: the SHA-256 over its sorted lines ``<sha256>  <posix path>\n``."""
    lines = sorted(f"{digest}  {path}\n" for path, digest in digests.items())
    return sha256_of_bytes("".join(lines).encode())
