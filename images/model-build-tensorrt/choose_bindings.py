# ruff: noqa: INP001 - not a package: an image's build copies and runs this file
"""Chooses TensorRT's Python bindings by the libnvinfer of the serving image: prints the lock of the same version.

It runs on the standard library of the serving image's own Python, which may be older than the project's.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_TENSORRT_MAJORS = range(20, 7, -1)  # newest first; a machine has one
_FIVE_DIGITS = 10_000


def main() -> None:
    """Print the lock's path; where there is none, end with one line."""
    locks = {path.stem: path for path in Path(sys.argv[1]).glob("*.lock")}
    version = ".".join(map(str, library_version()))
    if version not in locks:
        accepted = ", ".join(sorted(locks, key=lambda name: [int(part) for part in name.split(".")]))
        sys.exit(
            f"error: the serving image has TensorRT {version}, for which there is no lock; accepted: {accepted}; "
            "or a new lock, see images/model-build-tensorrt/requirements.in"
        )
    sys.stdout.write(f"{locks[version]}\n")


def library_version() -> tuple[int, int, int]:
    """Ask libnvinfer for its own version; where there is none, or it does not load, end with one line."""
    accepted = "accepted: a Triton image with TensorRT"
    for name in [f"libnvinfer.so.{major}" for major in _TENSORRT_MAJORS]:
        try:
            number = ctypes.CDLL(name).getInferLibVersion()
        except OSError as error:
            if not str(error).startswith(f"{name}: cannot open"):
                sys.exit(f"error: {name} of the image that SERVING names does not load: {error}; {accepted}")
        else:
            return version_from_number(number)
    sys.exit(f"error: the image that SERVING names has no libnvinfer; {accepted}")


def version_from_number(number: int) -> tuple[int, int, int]:
    """Decode what getInferLibVersion returns: 8601 is 8.6.1, and since TensorRT 10, 100600 is 10.6.0."""
    major, rest = divmod(number, 1_000 if number < _FIVE_DIGITS else 10_000)
    return major, rest // 100, rest % 100


if __name__ == "__main__":
    main()
