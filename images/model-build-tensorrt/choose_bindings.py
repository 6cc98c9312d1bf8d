# ruff: noqa: INP001 - not a package: an image's build copies and runs this file
"""Chooses TensorRT's Python bindings by the libnvinfer of the serving image: prints the lock of the same version.

It runs on the standard library of the serving image's own Python, which may be older than the project's.
"""

import ctypes
import sys
from pathlib import Path
from typing import Optional

_MAJORS = range(20, 7, -1)  # newest first; an image has one
_FIVE_DIGITS = 10_000


def main() -> None:
    """Print the lock's path; where there is none, end with one line."""
    locks = {path.stem: path for path in Path(sys.argv[1]).glob("*.lock")}
    version = library_version()
    if version is None:
        sys.exit("error: the image that SERVING names has no libnvinfer; accepted: a Triton image with TensorRT")
    if version not in locks:
        accepted = ", ".join(sorted(locks, key=lambda name: [int(part) for part in name.split(".")]))
        sys.exit(
            f"error: the serving image has TensorRT {version}, for which there is no lock; accepted: {accepted}; "
            "or a new lock, see images/model-build-tensorrt/requirements.in"
        )
    sys.stdout.write(f"{locks[version]}\n")


def library_version() -> Optional[str]:  # noqa: UP045 - Python 3.9 has no other spelling
    """Ask libnvinfer for its version: 8601 is 8.6.1, and since TensorRT 10, 100600 is 10.6.0."""
    for major in _MAJORS:
        try:
            number = ctypes.CDLL(f"libnvinfer.so.{major}").getInferLibVersion()
        except OSError:
            continue
        base = 1_000 if number < _FIVE_DIGITS else 10_000
        return f"{number // base}.{number % base // 100}.{number % 100}"
    return None


if __name__ == "__main__":
    main()
