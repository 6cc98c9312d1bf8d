"""The served contract: the names and files that every model repository has, whatever its source calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple  # noqa: UP035  as below

INPUT_NAME = "input"
OUTPUT_NAME = "output"
DATATYPE = "FP32"
"""Triton's name for float32."""

DEFAULT_SIDE = 224
"""Height and width of a model that leaves its own open, in pixels."""

MODEL_VERSION = "1"
LABELS_FILE = "labels.txt"
MODEL_FILE = "model.onnx"
PLAN_FILE = "model.plan"
CONFIG_FILE = "config.pbtxt"
MANIFEST_FILE = "manifest.json"

ImageShape = Tuple[int, int, int]  # noqa: UP006  evaluated by Python 3.8 too
"""Channels (3 or 1), height and width of one preprocessed picture: planes, no batch dimension."""


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a served model.

    Attributes:
        name: as requests call it.
        shape: that of one picture, without batch dimension.
    """

    name: str
    shape: tuple[int, ...]

    def document(self, *, max_batch_size: int = 0) -> dict[str, Any]:
        """Return what Triton's model metadata says of this tensor, and the manifest, where there is no batch."""
        batch = [-1] if max_batch_size else []
        return {"name": self.name, "datatype": DATATYPE, "shape": [*batch, *self.shape]}


def input_of(shape: ImageShape) -> TensorSpec:
    """Return the input of a classifier of such pictures."""
    return TensorSpec(name=INPUT_NAME, shape=shape)


def output_of(classes: int) -> TensorSpec:
    """Return the output of a classifier of so many classes."""
    return TensorSpec(name=OUTPUT_NAME, shape=(classes,))


def golden_input_file(position: int) -> str:
    """Return the repository's file with the tensor of an expected picture: float32, little-endian, C order."""
    return f"golden_input_{position}.bin"
