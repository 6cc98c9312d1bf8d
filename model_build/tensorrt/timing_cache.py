"""TensorRT's timing caches on the storage: a file for each TensorRT and GPU, whole or not at all."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from model_build.tensorrt.device import Machine

_LOGGER = logging.getLogger(__name__)
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


def timing_cache_path(folder: Path, machine: Machine) -> Path:
    """Return where a machine's timing cache is kept."""
    return folder / f"{machine.version_text}-{machine.gpu.product}.cache"


def timing_cache_from_file(path: Path) -> bytes:
    """Read a timing cache; empty where there is none, or a damaged one, which is left out and said.

    TensorRT does not check what it is given: the file begins with the SHA-256 of the rest.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return b""
    digest, cache = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if hashlib.sha256(cache).digest() != digest:
        _LOGGER.warning("%s is damaged and not used; it is written anew", path)
        return b""
    return cache


def write_timing_cache(cache: bytes, path: Path) -> None:
    """Replace a timing cache by one rename; of two builds at once the later one's stays."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(hashlib.sha256(cache).digest() + cache)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).rename(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
