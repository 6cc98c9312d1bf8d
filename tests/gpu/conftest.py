"""Plans on this machine's own GPU, by its own TensorRT; where one of both is missing, every test here is skipped."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from model_build.build import published_manifest
from model_build.errors import DeviceError
from model_build.fixture import fixture_onnx
from model_build.inputs import inputs_from_folder
from model_build.manifest import Manifest
from model_build.tensorrt.device import Device
from model_build.tensorrt.local import local_device

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared" / "models"
_LABELS = REPOSITORY / "infra" / "data" / "imagenet_labels.txt"
_MUG = REPOSITORY / "model_build" / "pictures" / "data" / "mug-1.png"


@pytest.fixture(scope="session", autouse=True)
def device() -> Device:
    """Return the GPU, or skip."""
    try:
        return local_device()
    except DeviceError as error:
        pytest.skip(str(error))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A classifier of ImageNet, and a picture that it calls a mug."""

    model: bytes
    picture: bytes


@pytest.fixture(scope="session", params=["fixture", "squeezenet1.1"])
def source(request: pytest.FixtureRequest) -> Source:
    """Give the project's own DenseNet-121, and the real SqueezeNet where it is at hand."""
    if request.param == "fixture":
        return Source(model=fixture_onnx(), picture=_MUG.read_bytes())
    if not SHARED.is_dir():
        pytest.skip("../shared/models is not beside the project: no SqueezeNet to compile")
    return Source(
        model=(SHARED / "squeezenet1.1.onnx").read_bytes(),
        picture=(SHARED / "mug.jpg").read_bytes(),
    )


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
            "expect": {"class": 504, "label": "COFFEE MUG"},
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
