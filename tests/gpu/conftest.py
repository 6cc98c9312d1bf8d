"""Plans on this machine's own GPU, by its own TensorRT; where one of both is missing, every test here is skipped."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.densenet import densenet_onnx
from model_build.adapt import original_from_onnx
from model_build.build import published_manifest
from model_build.errors import DeviceError
from model_build.inputs import inputs_from_folder
from model_build.manifest import Manifest
from model_build.packages import onnx_from_package
from model_build.preprocessing import imagenet_tensor_from_picture, picture_from_bytes
from model_build.tensorrt.device import Device
from model_build.tensorrt.local import local_device

REPOSITORY = Path(__file__).resolve().parents[2]
_LABELS = REPOSITORY / "infra" / "data" / "imagenet_labels.txt"
_MUG = REPOSITORY / "smoke_tests" / "data" / "mug.png"
_COFFEE_MUG = 504


@pytest.fixture(scope="session", autouse=True)
def device() -> Device:
    """Return the GPU, or skip."""
    try:
        return local_device()
    except DeviceError as error:
        pytest.skip(str(error))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A classifier of ImageNet, and a picture.

    Attributes:
        class_index: what the classifier calls the picture.
    """

    model: bytes
    picture: bytes
    class_index: int


@pytest.fixture(scope="session", params=["efficientnet-lite0", "densenet-121"])
def source(request: pytest.FixtureRequest) -> Source:
    """Give the real EfficientNet-Lite0, and a DenseNet-121 whose weights are nobody's, so its own answer is right."""
    picture = _MUG.read_bytes()
    if request.param == "efficientnet-lite0":
        return Source(model=onnx_from_package("efficientnet-lite0"), picture=picture, class_index=_COFFEE_MUG)
    model = densenet_onnx()
    image = imagenet_tensor_from_picture(picture_from_bytes(picture, name=_MUG.name))
    scores = original_from_onnx(model, name="DenseNet-121").scores(image[np.newaxis])
    return Source(model=model, picture=picture, class_index=int(scores[0].argmax()))


@dataclass(frozen=True, kw_only=True)
class Build:
    """Builds plans on a storage of its own."""

    source: Source
    folder: Path
    device: Device

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    def __call__(self, **changes: Any) -> Manifest:
        return published_manifest(inputs_from_folder(self.inputs(**changes)), self.storage)

    def inputs(self, **changes: Any) -> Path:
        """Write a build's inputs for this GPU."""
        path, inputs = self.folder / "source.onnx", self.folder / "inputs"
        path.write_bytes(self.source.model)
        self.storage.mkdir(exist_ok=True)
        inputs.mkdir(exist_ok=True)
        spec = {
            "stack": "tests",
            "planId": "0" * 16,
            "model": "classifier",
            "maxBatchSize": 0,
            "target": "tensorrt",
            "precision": "fp32",
            "source": {
                "kind": "onnx",
                "url": path.as_uri(),
                "sha256": hashlib.sha256(self.source.model).hexdigest(),
            },
            "expect": {"class": self.source.class_index, "label": None},
            "pinned": False,
            "tensorrt": {
                "gpuProduct": self.device.describe().gpu.product,
                "batchProfile": {"typical": 8, "largest": 64},
                "workspaceMib": 4096,
                "instances": 1,
            },
        }
        (inputs / "spec.json").write_text(json.dumps(spec | changes))
        (inputs / "labels.txt").write_bytes(_LABELS.read_bytes())
        (inputs / "image").write_bytes(self.source.picture)
        return inputs

    def repository(self, plan_id: str = "0" * 16) -> Path:
        return self.storage / "repositories" / plan_id


@pytest.fixture
def build(source: Source, tmp_path: Path, device: Device) -> Build:
    """Return a builder of plans from a source, on an empty storage."""
    return Build(source=source, folder=tmp_path, device=device)
