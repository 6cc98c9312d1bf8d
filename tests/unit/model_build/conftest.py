"""Models and inputs small enough that every test makes its own, and the real ones where they are at hand."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.classifiers import colour_classifier

LABELS = ("TENCH", "MUG", "CUP", "POT")


@pytest.fixture
def tiny_classifier() -> Callable[..., bytes]:
    """Make a classifier of four colours with the names, types and layout that a test asks for."""
    return colour_classifier


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


def expected(image: bytes, **changes: Any) -> dict[str, Any]:
    """Return what a specification expects of a picture: that it is a mug, but for the changes."""
    answer = {"class": 1, "label": "MUG", "top": [], "margin": 0}
    return {"sha256": hashlib.sha256(image).hexdigest(), "url": None, **answer, **changes}


@pytest.fixture
def write_inputs(tmp_path: Path, red_png: bytes) -> Callable[..., Path]:
    """Write a build's inputs around an ONNX model, with whatever keys of the specification a test changes.

    The URL of a source that a test gives is no key: it is a file of its own.
    """

    def write(model: bytes, /, *, labels: tuple[str, ...] = LABELS, image: bytes = red_png, **changes: Any) -> Path:
        folder = tmp_path / "inputs"
        folder.mkdir(exist_ok=True)
        path = tmp_path / "source.onnx"
        path.write_bytes(model)
        spec = {
            "stack": "tests",
            "planId": "0123456789abcdef",
            "engineId": None,
            "model": "tiny",
            "maxBatchSize": 0,
            "target": "onnxruntime",
            "precision": "fp32",
            "source": {
                "kind": "onnx",
                "url": path.as_uri(),
                "sha256": hashlib.sha256(model).hexdigest(),
                "output": None,
                "imageSize": None,
            },
            "preprocessing": None,
            "expect": [expected(image)],
            "pinned": False,
            "tensorrt": None,
        }
        source = dict(changes.pop("source", spec["source"]))
        (folder / "source-url").write_text(source.pop("url", ""))
        (folder / "spec.json").write_text(json.dumps(spec | changes | {"source": source}))
        (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
        (folder / hashlib.sha256(image).hexdigest()).write_bytes(image)
        return folder

    return write


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Return the folder with the real classifier, the real photo and the label list."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "models"
    if not folder.is_dir():
        pytest.skip("../shared/models is not beside the project: no real classifier to test with")
    return folder
