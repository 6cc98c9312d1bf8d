"""Manifests as the smoke tests are given them."""

from typing import Any

from contract.comparison import LOGITS, Tolerance
from contract.expectation import Expectation
from contract.manifest import Golden, GoldenPicture, Manifest, SourceRecord
from contract.preprocessing import preprocessing_from_value


def manifest_of(**changes: Any) -> Manifest:
    """A manifest of three classes, the last of them expected, with some of its parts changed."""
    picture = GoldenPicture(sha256="2" * 64, input_file="golden_input_0.bin", expectation=Expectation(2, "CUP"))
    parts: dict[str, Any] = {
        "plan_id": "0123456789abcdef",
        "engine_id": None,
        "model": "densenet_tensorrt",
        "target": "onnxruntime",
        "precision": "fp32",
        "max_batch_size": 0,
        "source": SourceRecord(kind="onnx", name="https://example.org/model.onnx", sha256="0" * 64),
        "shape": (3, 224, 224),
        "classes": 3,
        "preprocessing": preprocessing_from_value("imagenet", (3, 224, 224)),
        "files": {},
        "versions": {},
        "reference": None,
        "tensorrt": None,
        "golden": Golden(scale=LOGITS, tolerance=Tolerance(largest=0.01, cosine=0.9999), pictures=(picture,)),
    }
    return Manifest(**parts | changes)
