"""A whole TensorRT in the user's cache: libraries and Python bindings that belong together, for machines with a GPU."""

import hashlib
import http.client
import os
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cache import Cache
from tools.errors import DiskSpaceError, ToolsError
from tools.progress import Progress
from tools.venv import ensure_uv

_LIST = Path(__file__).with_suffix(".toml")
_BINDINGS = Path(__file__).resolve().parent.parent / "images" / "model-build-tensorrt" / "bindings"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_CHUNK_BYTES = 1 << 20
_SILENCE_S = 60.0
_GIB = 2**30


class TensorRTError(ToolsError):
    """A TensorRT cannot be installed."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One TensorRT.

    Attributes:
        url: an archive (zip) with the libraries somewhere in it.
        bindings: a lock of the Python bindings.
        packages: a lock of what else is needed from PyPI, as text.
    """

    version: str
    url: str
    sha256: str
    size_bytes: int
    unpacked_bytes: int
    packages_bytes: int
    bindings: Path
    packages: str


def releases(path: Path = _LIST, bindings: Path = _BINDINGS) -> Mapping[str, Release]:
    """Read the list of releases, by version."""
    listed = tomllib.loads(path.read_text())["release"]
    return {
        version: Release(version=version, bindings=bindings / f"{version}.lock", **table)
        for version, table in listed.items()
    }


def tensorrt_folder(release: Release, cache: Cache) -> Path:
    """Return where a release lies: libraries in `lib`, packages for this Python in `python3.N`."""
    return cache.folder / "tensorrt" / release.version


def ensure_tensorrt(release: Release, cache: Cache) -> Path:
    """Install a release, whole or not at all, unless it is there.

    Returns:
        Its folder.

    Raises:
        ToolsError: it cannot be downloaded or unpacked, is not what was pinned, or does not fit on the disk.
    """
    folder = tensorrt_folder(release, cache)
    try:
        cache.remove_stale_builds(_say_removed)
        _ensure(folder / "lib", cache, lambda scratch: _unpack(release, scratch, cache))
        _ensure(folder / _PYTHON, cache, lambda scratch: _install(release, scratch, cache))
    except OSError as error:
        raise TensorRTError(
            f"{error.filename or cache.folder}: {error.strerror or error}; make {cache.folder} writable, with room for "
            "it, or choose another place: export XDG_CACHE_HOME=…"
        ) from error
    return folder


def environment_of(folder: Path) -> str:
    """Return the shell's line that makes Python find an installed release."""
    libraries = [folder / "lib", *sorted((folder / _PYTHON / "nvidia").glob("*/lib"))]
    return f"export LD_LIBRARY_PATH={os.pathsep.join(map(str, libraries))} PYTHONPATH={folder / _PYTHON}"


def _ensure(product: Path, cache: Cache, make: Callable[[Path], Path]) -> None:
    """Publish by one rename what `make` puts into a scratch folder; of two runs at once the first one's stays."""
    if product.exists():
        return
    product.parent.mkdir(parents=True, exist_ok=True)
    with cache.build_folder() as scratch:
        made = make(scratch.path)
        os.sync()
        if not product.exists():
            made.rename(product)


def _say_removed(path: Path) -> None:
    sys.stderr.write(f"removing {path}, left by a run that was killed\n")


def _unpack(release: Release, scratch: Path, cache: Cache) -> Path:
    free_bytes = shutil.disk_usage(scratch).free
    needed_bytes = release.size_bytes + release.unpacked_bytes + release.packages_bytes
    if free_bytes < needed_bytes:
        raise DiskSpaceError(
            f"{cache.folder} has {free_bytes / _GIB:.1f} GiB free, but TensorRT {release.version} needs "
            f"{needed_bytes / _GIB:.1f}, some of it for a while; free some, or choose another disk: "
            "export XDG_CACHE_HOME=…"
        )
    progress = Progress(f"TensorRT {release.version}")
    archive = scratch / "archive.zip"
    _download(release, archive, progress)
    libraries = scratch / "lib"
    libraries.mkdir()
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                name = Path(member.filename).name
                if ".so" in name:
                    progress.update(f"unpacking {name}")
                    with opened.open(member) as source, (libraries / name).open("wb") as target:
                        shutil.copyfileobj(source, target, _CHUNK_BYTES)
    except zipfile.BadZipFile as error:  # with the right digest, so the list is wrong
        raise TensorRTError(f"{release.url} is no archive: {error}; restore the list: git checkout {_LIST}") from error
    progress.finish("unpacked")
    return libraries


def _download(release: Release, archive: Path, progress: Progress) -> None:
    digest, done_bytes = hashlib.sha256(), 0
    with archive.open("wb") as file:
        for chunk in _chunks(release.url):
            file.write(chunk)
            digest.update(chunk)
            done_bytes += len(chunk)
            progress.update(f"{done_bytes >> 20} of {release.size_bytes >> 20} MiB")
    if digest.hexdigest() != release.sha256:
        raise TensorRTError(
            f"{release.url} has sha256 {digest.hexdigest()} ({done_bytes} bytes), but {_LIST.name} pins "
            f"{release.sha256} ({release.size_bytes} bytes); run the command again; where that repeats, do not use it"
        )


def _chunks(url: str) -> Iterator[bytes]:
    """Yield what a URL answers; what fails here is the network's, never the disk's that it is written to."""
    try:
        with urllib.request.urlopen(url, timeout=_SILENCE_S) as response:  # noqa: S310 - the list's own addresses
            while chunk := response.read(_CHUNK_BYTES):
                yield chunk
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise TensorRTError(f"{url} does not answer: {reason}; run the command again when it does") from error


def _install(release: Release, scratch: Path, cache: Cache) -> Path:
    packages, target = scratch / "packages.lock", scratch / _PYTHON
    packages.write_text(release.packages)
    command = [
        *(str(ensure_uv(cache.folder)), "pip", "install", "--quiet", "--no-deps", "--require-hashes"),
        *("--only-binary=:all:", "--python", sys.executable, "--target", str(target)),
        *("--requirement", str(release.bindings), "--requirement", str(packages)),
    ]
    if subprocess.run(command, check=False, stdout=sys.stderr).returncode != 0:
        raise TensorRTError(
            f"the Python packages of TensorRT {release.version} were not installed, see above; they need PyPI, and a "
            f"wheel for {_PYTHON}"
        )
    return target
