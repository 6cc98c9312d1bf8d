"""Pulumi's generated gRPC stubs, out of its PyPI package and without the SDK around them.

`pulumi.runtime.proto` would load all of the SDK first, which costs the host more than everything else that it does.
"""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

_PACKAGE = "pulumi_runtime_proto"


def _stubs(name: str) -> Any:
    """Import a module of the stubs in a package of their own; they name each other relatively."""
    if _PACKAGE not in sys.modules:
        found = importlib.util.find_spec("pulumi")  # looks for it, and does not load it
        if found is None or found.origin is None:
            raise ModuleNotFoundError("No module named 'pulumi'", name="pulumi")
        package = ModuleType(_PACKAGE)
        package.__path__ = [str(Path(found.origin).parent / "runtime" / "proto")]
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{name}")


if not TYPE_CHECKING:
    language_pb2, language_pb2_grpc, plugin_pb2 = map(_stubs, ("language_pb2", "language_pb2_grpc", "plugin_pb2"))

__all__ = ["language_pb2", "language_pb2_grpc", "plugin_pb2"]
