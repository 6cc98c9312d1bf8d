"""Which TensorRT this is: the version that libnvinfer itself gives, and Python bindings that belong to it."""

import ctypes
import re
import sys
from contextlib import suppress
from importlib import import_module
from importlib.metadata import packages_distributions, version
from types import ModuleType
from typing import Final

from model_build.errors import DeviceError
from model_build.tensorrt.device import Version

_TENSORRT_MAJORS = range(20, 7, -1)  # newest first; a machine has one
_FIVE_DIGITS = 10_000

_BINDINGS: Final = "tensorrt_bindings"
_LIBRARIES: Final = "tensorrt_libs"
"""What PyPI's ``tensorrt`` brings the libraries in."""

_THREE_NUMBERS: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_INSTALL: Final = (
    "accepted: the image model-build-tensorrt, or a machine after `python3 -m tools tensorrt VERSION`, in the "
    "environment that it prints"
)


def library_version() -> Version:
    """Ask libnvinfer for its own version.

    Raises:
        DeviceError: there is no libnvinfer, or it does not load.
    """
    with suppress(ImportError):
        import_module(_LIBRARIES)  # it loads them: they are not where the linker looks
    for name in [f"libnvinfer.so.{major}" for major in _TENSORRT_MAJORS]:
        try:
            number = ctypes.CDLL(name).getInferLibVersion()
        except OSError as error:
            if not str(error).startswith(f"{name}: cannot open"):
                raise DeviceError(f"the TensorRT that is here, {name}, does not load: {error}; {_INSTALL}") from error
        else:
            return version_from_number(number)
    raise DeviceError(f"there is no TensorRT here: no libnvinfer.so is found; {_INSTALL}")


def version_from_number(number: int) -> Version:
    """Decode what getInferLibVersion returns: 8601 is 8.6.1, and since TensorRT 10, 100600 is 10.6.0."""
    major, rest = divmod(number, 1_000 if number < _FIVE_DIGITS else 10_000)
    return major, rest // 100, rest % 100


def bindings_version() -> Version:
    """Return the version of the installed Python bindings, which are not loaded for it.

    Raises:
        DeviceError: there are none.
    """
    for distribution in packages_distributions().get(_BINDINGS, ()):
        if match := _THREE_NUMBERS.match(version(distribution)):
            return int(match[1]), int(match[2]), int(match[3])
    raise DeviceError(f"TensorRT's Python bindings are not installed; {_INSTALL}")


def loaded_bindings() -> tuple[ModuleType, Version]:
    """Load the Python bindings where they are those of the libnvinfer that is here.

    Returns:
        The module, which from then on is also what ``import tensorrt`` gives, and libnvinfer's version.

    Raises:
        DeviceError: one of both is missing, they differ, or do not load.
    """
    library, bindings = library_version(), bindings_version()
    if library != bindings:
        raise DeviceError(
            f"libnvinfer is {_text(library)}, but the Python bindings are {_text(bindings)}; accepted: bindings of "
            "the library's own version; build the image again on the serving image"
        )
    try:
        module = import_module(_BINDINGS)
    except ImportError as error:
        raise DeviceError(f"TensorRT's Python bindings {_text(bindings)} do not load: {error}; {_INSTALL}") from error
    # PyPI's `tensorrt` is this module under another name, together with the libraries.
    sys.modules.setdefault("tensorrt", module)
    return module, library


def _text(version: Version) -> str:
    return ".".join(map(str, version))
