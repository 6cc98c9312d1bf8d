"""What the quick start's clients rely on, whoever serves it."""

from dataclasses import dataclass
from typing import Any

IMAGENET_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """One tensor of the contract; ``shape`` is that of one image, without batch dimension."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def metadata(self, *, max_batch_size: int = 0) -> dict[str, Any]:
        """Return what Triton's model metadata must say of this tensor."""
        batch = [-1] if max_batch_size else []
        return {"name": self.name, "datatype": self.datatype, "shape": [*batch, *self.shape]}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What the expected image must be called; a label of None is not compared."""

    class_index: int
    label: str | None


INPUT = TensorSpec(name="input", datatype="FP32", shape=(3, 224, 224))
QUICK_START = Expectation(class_index=504, label="COFFEE MUG")


def output_of(classes: int) -> TensorSpec:
    """Return the output that a classifier of so many classes must have."""
    return TensorSpec(name="output", datatype="FP32", shape=(classes,))
