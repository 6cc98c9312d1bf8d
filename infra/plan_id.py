"""The content address of a plan: everything that changes the result, and nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DIGITS = 16
_BUILD_CODE = ("*.py", "*.json", "*.png")


@dataclass(frozen=True, kw_only=True)
class PlanInputs:
    """What a plan is made from and made for.

    Attributes:
        source_kind: fixture, onnx or prebuilt.
        source_sha256: digest of the source's bytes; empty for the fixture, which the build code determines.
        build_code_sha256: see `build_code_digest`.
        builder_image: reference of the build's image.
        serving_image: reference of Triton's image.
        target: what executes the plan.
        precision: of the plan's arithmetic.
        max_batch_size: 0 for one image without a batch dimension.
        model: name that clients ask for.
        labels_sha256: digest of the labels file.
        image_sha256: digest of the expected picture's bytes.
        expected_class: index of the class that must come first.
        expected_label: its label.
        tensorrt: GPU product, batch profile and workspace that a TensorRT plan is built for; None on CPU.
    """

    source_kind: str
    source_sha256: str
    build_code_sha256: str
    builder_image: str
    serving_image: str
    target: str
    precision: str
    max_batch_size: int
    model: str
    labels_sha256: str
    image_sha256: str
    expected_class: int
    expected_label: str
    tensorrt: Mapping[str, Any] | None


def plan_id(inputs: PlanInputs) -> str:
    """The plan's id: 16 lower-case hex digits, the same for the same inputs on every machine."""
    text = json.dumps(asdict(inputs), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def build_code_digest(folder: Path) -> str:
    """Digest of the build's code and pictures: relative paths and bytes, in the order of the paths.

    Args:
        folder: the ``model_build`` package.
    """
    digest = hashlib.sha256()
    files = {path.relative_to(folder).as_posix(): path for glob in _BUILD_CODE for path in folder.rglob(glob)}
    for name, path in sorted(files.items()):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
