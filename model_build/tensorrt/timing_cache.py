"""TensorRT's timing caches: on the storage a file for each TensorRT and GPU, whole or not at all."""

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from model_build.tensorrt.device import Machine

_LOGGER = logging.getLogger(__name__)
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


def timing_cache_path(folder: Path, machine: Machine) -> Path:
    """Return where a machine's timing cache is kept.

    TensorRT takes a cache only where its own version and the properties of the GPU are the same. The product alone
    does not say them.
    """
    gpu = machine.gpu
    return folder / f"{machine.version_text}-{gpu.product}-{gpu.compute_capability}.cache"


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


def accepted_timing_cache(config: Any, given: bytes) -> bytes:
    """Give TensorRT's builder what was measured before.

    Args:
        config: TensorRT's IBuilderConfig.
        given: measurements, empty for none.

    Returns:
        What it took: all, or nothing where it was measured on another GPU, which is said.
    """
    if given:
        cache = config.create_timing_cache(given)
        if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
            return given
        _LOGGER.warning("TensorRT does not take the timing cache, which is of another GPU; all is measured anew")
    config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)
    return b""


def measured_timing_cache(config: Any) -> bytes:
    """Return what TensorRT's builder has measured, together with what it was given."""
    # Not as a context manager, as Polygraphy does: that warns in every TensorRT.
    return bytes(config.get_timing_cache().serialize())


def is_cache_hit(accepted: bytes, measured: bytes) -> bool:
    """Say whether nothing was added to the measurements that a build began with."""
    return bool(accepted) and len(measured) <= len(accepted)
