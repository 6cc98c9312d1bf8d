"""The digest that everything is named by: SHA-256, as 64 lower-case hex digits."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK_BYTES = 1 << 20


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 lower-case hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK_BYTES), b""):
            digest.update(chunk)
    return digest.hexdigest()
