"""Source onnx: a model file by URL, found or kept on the storage under its SHA-256."""

import hashlib
import stat
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from model_build.digest import sha256_of_file
from model_build.errors import SourceError
from model_build.spec import OnnxSource
from model_build.storage import Storage

_SILENCE_S: Final = 30
"""How long a server may say nothing."""
_DOWNLOAD_S: Final = 1800
_CHUNK_BYTES: Final = 1 << 20
_LARGEST_BYTES: Final = 2 << 30
"""No ONNX file is larger: it is one protobuf message."""


def onnx_from_source(source: OnnxSource, storage: Storage, scratch: Path) -> Path:
    """Give the source's file on the storage, downloaded where it is not there yet.

    Args:
        source: the URL and the SHA-256 that its bytes must have.
        storage: has the file in ``sources``, or keeps it in ``downloads``, for the next build too.
        scratch: takes the file while it is downloaded.

    Raises:
        SourceError: the URL does not answer, or its bytes are not those that were pinned.
    """
    for folder in (storage.sources, storage.downloads):
        kept = folder / source.sha256
        if _is_plain_file(kept):
            found = sha256_of_file(kept)
            if found != source.sha256:
                raise SourceError(f"{kept} is damaged, its sha256 is {found}: remove it and run again")
            return kept
    download = scratch / "download"
    found = _downloaded_sha256(source.url, download)
    if found != source.sha256:
        raise SourceError(
            f"{source.url} has sha256 {found}, but the configuration says {source.sha256}; where the file is the "
            "right one, set source.sha256 to what it has"
        )
    storage.downloads.mkdir(exist_ok=True)
    download.chmod(0o444)
    download.rename(kept)
    return kept


def _is_plain_file(path: Path) -> bool:
    """Whether a file lies there; a link is not followed, and a FIFO never waited for."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _downloaded_sha256(url: str, destination: Path) -> str:
    digest = hashlib.sha256()
    size_bytes = 0
    with destination.open("wb") as file:
        for chunk in _chunks(url):
            size_bytes += len(chunk)
            if size_bytes > _LARGEST_BYTES:
                raise SourceError(f"{url} is larger than an ONNX file can be ({_LARGEST_BYTES >> 30} GiB)")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _chunks(url: str) -> Iterator[bytes]:
    """Yield what a URL answers; what fails here is the network's, never the disk's that it is written to."""
    deadline = time.monotonic() + _DOWNLOAD_S
    try:
        with urlopen(url, timeout=_SILENCE_S) as response:  # noqa: S310  https or file: the spec has seen to it
            while chunk := response.read(_CHUNK_BYTES):
                yield chunk
                if time.monotonic() > deadline:
                    raise SourceError(f"{url} is not down after {_DOWNLOAD_S} s")
    except HTTPError as error:
        raise SourceError(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if url.startswith("file:"):
            raise SourceError(f"{url}: {reason}; `make up` stages a file:// source on the storage") from error
        raise SourceError(f"{url} does not answer: {reason}") from error
