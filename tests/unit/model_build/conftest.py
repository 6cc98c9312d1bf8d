"""Models and inputs small enough that every test makes its own, and the real ones where they are at hand."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

CLASSES = 4
LABELS = ("TENCH", "MUG", "CUP", "POT")


def _tiny_classifier(
    *,
    image: str = "data",
    scores: str = "logits",
    shape: tuple[int | str, ...] = ("N", 3, 224, 224),
    dtype: int = TensorProto.FLOAT,
    channels_last: bool = False,
    spatial_scores: bool = False,
    fixed_reshape: bool = False,
    classes: int = CLASSES,
    bias: float = 0.0,
) -> bytes:
    """Average each colour plane, then one linear layer: red is class 1, green 2, blue 3, black 0."""
    half = np.float16 if dtype == TensorProto.FLOAT16 else np.float32
    weights = np.zeros((classes, 3, 1, 1))
    weights[1:4] = np.eye(3).reshape(3, 3, 1, 1)[: classes - 1]
    constants = {
        "kernel": weights.astype(half),
        "bias": np.full(classes, bias, half),
        "flat": np.array([1, classes], np.int64),
    }
    planes = "planes" if channels_last else image
    nodes = [
        *([helper.make_node("Transpose", [image], [planes], perm=[0, 3, 1, 2])] if channels_last else []),
        helper.make_node("GlobalAveragePool", [planes], ["pooled"]),
        helper.make_node("Conv", ["pooled", "kernel", "bias"], [scores if spatial_scores else "spatial"]),
    ]
    if fixed_reshape:
        nodes.append(helper.make_node("Reshape", ["spatial", "flat"], [scores]))
    elif not spatial_scores:
        nodes.append(helper.make_node("Flatten", ["spatial"], [scores]))
    scores_shape = [shape[0], classes, 1, 1] if spatial_scores else [shape[0], classes]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(image, dtype, shape)],
        [helper.make_tensor_value_info(scores, dtype, scores_shape)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@pytest.fixture
def tiny_classifier() -> Callable[..., bytes]:
    """Make a classifier of four colours with the names, types and layout that a test asks for."""
    return _tiny_classifier


@pytest.fixture
def red_png() -> bytes:
    """Return a picture that the tiny classifier calls class 1."""
    buffer = io.BytesIO()
    Image.new("RGB", (300, 280), (250, 20, 10)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Return an empty storage."""
    folder = tmp_path / "storage"
    folder.mkdir()
    return folder


@pytest.fixture
def write_inputs(tmp_path: Path, red_png: bytes) -> Callable[..., Path]:
    """Write a build's inputs around an ONNX model, with whatever keys of the specification a test changes."""

    def write(model: bytes, /, *, labels: tuple[str, ...] = LABELS, image: bytes = red_png, **changes: Any) -> Path:
        folder = tmp_path / "inputs"
        folder.mkdir(exist_ok=True)
        path = tmp_path / "source.onnx"
        path.write_bytes(model)
        spec = {
            "stack": "tests",
            "planId": "0123456789abcdef",
            "model": "tiny",
            "maxBatchSize": 0,
            "target": "onnxruntime",
            "precision": "fp32",
            "source": {"kind": "onnx", "url": path.as_uri(), "sha256": hashlib.sha256(model).hexdigest()},
            "expect": {"class": 1, "label": "MUG"},
            "pinned": False,
            "tensorrt": None,
        }
        (folder / "spec.json").write_text(json.dumps(spec | changes))
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
        (folder / "image").write_bytes(image)
        return folder

    return write


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Return the folder with the real classifier, the real photo and the label list."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "models"
    if not folder.is_dir():
        pytest.skip("../shared/models is not beside the project: no real classifier to test with")
    return folder
