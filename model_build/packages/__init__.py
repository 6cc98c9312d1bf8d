"""Source package: a classifier with real weights, out of a Python package that is installed by hash."""

from model_build.packages.installed import onnx_from_package

__all__ = ["onnx_from_package"]
