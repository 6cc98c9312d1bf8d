"""Whole builds for target tensorrt, of a small classifier on whatever device stands behind the target."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.manifest import Manifest
from model_build.build import published_manifest
from model_build.inputs import inputs_from_folder
from model_build.tensorrt.record import TensorRTRecord, record_from_document

PLAN = "0123456789abcdef"
TENSORRT = {
    "gpuProduct": "NVIDIA-H800",
    "batchProfile": {"typical": 2, "largest": 3},
    "workspaceMib": 256,
    "instances": 1,
}


@dataclass(frozen=True)
class Builder:
    """Builds plans of a model on one storage."""

    write_inputs: Callable[..., Path]
    storage: Path

    def __call__(self, model: bytes, /, **changes: Any) -> Manifest:
        folder = self.write_inputs(model, **{"target": "tensorrt", "tensorrt": TENSORRT} | changes)
        return published_manifest(inputs_from_folder(folder), self.storage)

    @property
    def repository(self) -> Path:
        return self.storage / "repositories" / PLAN

    def nothing_is_published(self) -> bool:
        return not self.repository.exists()


def record_of(manifest: Manifest) -> TensorRTRecord:
    """Return what a manifest says of its machine and compilation."""
    assert manifest.tensorrt
    return record_from_document(manifest.tensorrt)


def scores_of(manifest: Manifest) -> tuple[float, ...]:
    """Return the golden scores of the first expected picture."""
    scores = manifest.golden.pictures[0].scores
    assert scores
    return scores
