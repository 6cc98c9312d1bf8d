"""Files by URL and SHA-256: fetched once, and kept under their digest."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import stat
import tempfile
import time
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from contract.digest import sha256_of_file
from contract.errors import UrlError
from contract.urls import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_SILENCE_S = 30
"""How long a server may say nothing."""
_DOWNLOAD_S = 1800
_CHUNK_BYTES = 1 << 20


def fetched(url: str, sha256: str, folder: Path, *, largest_bytes: int) -> Path:
    """Give the file of a URL, fetched into a folder where it is not there yet.

    Args:
        url: https or file, quoted.
        sha256: that its bytes must have, 64 lower-case hex digits.
        folder: keeps files under their digests; made where it is missing.
        largest_bytes: more are not fetched.

    Raises:
        UrlError: it does not answer, is too large, or its bytes are others.
        OSError: the folder cannot be written.
    """
    kept = folder / sha256
    if is_plain_file(kept):
        found = sha256_of_file(kept)
        if found != sha256:
            raise UrlError(f"{kept} is damaged, its sha256 is {found}; accepted: {sha256}; remove it and run again")
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=str(folder), prefix=".fetching-")
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            found = _written(url, file, largest_bytes)
        _refuse_other(found, sha256, url)
        scratch.chmod(0o444)
        scratch.replace(kept)
    except BaseException:
        scratch.unlink()
        raise
    return kept


def is_plain_file(path: Path) -> bool:
    """Whether a file lies there; a link is not followed, and a FIFO never waited for."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _refuse_other(found: str, sha256: str, url: str) -> None:
    if found != sha256:
        raise UrlError(
            f"{shown_url(url)} has sha256 {found}, but the configuration says {sha256}; where it is the right one, "
            "set sha256 to what it has"
        )


def _written(url: str, file: BinaryIO, largest_bytes: int) -> str:
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in _chunks(url):
        size_bytes += len(chunk)
        if size_bytes > largest_bytes:
            raise UrlError(f"{shown_url(url)} is larger than {largest_bytes} bytes; accepted: at most so many")
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()


def _chunks(url: str) -> Iterator[bytes]:
    """Yield what a URL answers; what fails here is the network's, never the disk's that it is written to."""
    deadline = time.monotonic() + _DOWNLOAD_S
    name = shown_url(url)
    try:
        with urlopen(_request(url), timeout=_SILENCE_S) as response:  # noqa: S310  https or file: the caller has seen to it
            while True:
                chunk = response.read(_CHUNK_BYTES)
                if not chunk:
                    break
                yield chunk
                if time.monotonic() > deadline:
                    raise UrlError(f"{name} is not down after {_DOWNLOAD_S} s; accepted: a server that is faster")
            if getattr(response, "length", None):  # what http.client still waits for; read() says nothing of it
                raise UrlError(f"{name} ends {response.length} bytes too early; accepted: the whole file, run again")
    except HTTPError as error:
        error.close()  # it holds the connection
        said = _discreet(error.reason)
        raise UrlError(f"{name} answers {error.code} {said}; accepted: 200 with the file") from error
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a redirect to a host whose name is none
        reason = error.reason if isinstance(error, URLError) else error
        if url.startswith("file:"):
            raise UrlError(f"{name}: {reason}; `make up` stages a file:// source on the storage") from error
        raise UrlError(f"{name} does not answer: {_discreet(reason)}; accepted: 200 with the file") from error


def _request(url: str) -> Request:
    """The request for a URL. A user and a password that it carries go to its host alone, and nowhere else after it."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    request = Request(urlunsplit(parts._replace(netloc=host)))  # noqa: S310  https or file: the caller has seen to it
    if login:
        user, _, password = login.partition(":")
        token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode("ascii")
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


def _discreet(reason: object) -> str:
    """What somebody says of a failure, on one line: of an endless redirect it is several, and may name another URL."""
    return re.sub(r"\S+://\S+", lambda found: shown_url(found[0]), " ".join(str(reason).split()))
