"""Plans on this machine's own GPU, by its own TensorRT; where one of both is missing, every test here is skipped."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.densenet import densenet_onnx
from contract.manifest import Manifest
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value
from model_build.adapt import original_from_onnx
from model_build.build import published_manifest
from model_build.errors import DeviceError
from model_build.inputs import inputs_from_folder, labels_from_file
from model_build.tensorrt.device import Device
from model_build.tensorrt.local import local_device

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared" / "models"
_LABELS = REPOSITORY / "infra" / "data" / "imagenet_labels.txt"
_MUG = REPOSITORY / "smoke_tests" / "data" / "mug.png"


@pytest.fixture(scope="session", autouse=True)
def device() -> Device:
    """Return the GPU, or skip."""
    try:
        return local_device()
    except DeviceError as error:
        pytest.skip(str(error))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A classifier of ImageNet, and a picture whose class is known.

    Attributes:
        package: its name in the build's packages; None for one that comes as a file.
        model: the ONNX file; None for one that comes as a package.
        class_index: of the picture, by somebody else than TensorRT.
    """

    package: str | None = None
    model: bytes | None = None
    picture: bytes
    class_index: int

    def document(self, folder: Path) -> dict[str, Any]:
        """Return the source as a specification has it, and its URL; a file is laid into the folder."""
        if self.model is None:
            return {"kind": "package", "name": self.package}
        path = folder / "source.onnx"
        path.write_bytes(self.model)
        digest = hashlib.sha256(self.model).hexdigest()
        return {"kind": "onnx", "url": path.as_uri(), "sha256": digest, "output": None, "imageSize": None}


@pytest.fixture(scope="session", params=["efficientnet-lite0", "densenet", "squeezenet"])
def source(request: pytest.FixtureRequest) -> Source:
    """Give EfficientNet-Lite0, DenseNet-121 with weights that were drawn, and SqueezeNet where it is at hand."""
    mug = _MUG.read_bytes()
    if request.param == "efficientnet-lite0":
        return Source(package=request.param, picture=mug, class_index=504)
    if request.param == "densenet":
        model = densenet_onnx()
        return Source(model=model, picture=mug, class_index=_class_by_onnx_runtime(model, mug))
    if not SHARED.is_dir():
        pytest.skip("../shared/models is not beside the project: no SqueezeNet to compile")
    return Source(
        model=(SHARED / "squeezenet1.1.onnx").read_bytes(),
        picture=(SHARED / "mug.jpg").read_bytes(),
        class_index=504,
    )


def _class_by_onnx_runtime(model: bytes, picture: bytes) -> int:
    """Ask the model itself what it calls a picture: nobody has trained it."""
    preprocessing = preprocessing_from_value("imagenet", (3, 224, 224))
    image = tensor_from_picture(picture_from_bytes(picture, name="the picture"), preprocessing)
    return int(original_from_onnx(model, name="the model").scores(image[np.newaxis]).argmax())


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
        inputs = self.folder / "inputs"
        for folder in (self.storage, inputs):
            folder.mkdir(exist_ok=True)
        digest = hashlib.sha256(self.source.picture).hexdigest()
        label = labels_from_file(_LABELS)[self.source.class_index]
        answer = {"class": self.source.class_index, "label": label, "top": [], "margin": 0}
        spec = {
            "stack": "tests",
            "planId": "0" * 16,
            "engineId": None,
            "model": "classifier",
            "maxBatchSize": 0,
            "target": "tensorrt",
            "precision": "fp32",
            "source": self.source.document(self.folder),
            "preprocessing": None,
            "expect": [{"sha256": digest, "url": None, **answer}],
            "pinned": False,
            "tensorrt": self.tensorrt(),
        }
        source = dict(changes.pop("source", spec["source"]))
        (inputs / "source-url").write_text(source.pop("url", ""))
        (inputs / "spec.json").write_text(json.dumps(spec | changes | {"source": source}))
        (inputs / "labels.txt").write_bytes(_LABELS.read_bytes())
        (inputs / digest).write_bytes(self.source.picture)
        return inputs

    def tensorrt(self, **changes: Any) -> dict[str, Any]:
        """Return what a plan for this GPU is compiled for."""
        return {
            "gpuProduct": self.device.describe().gpu.product,
            "batchProfile": {"typical": 8, "largest": 64},
            "workspaceMib": 4096,
            "instances": 1,
        } | changes

    def repository(self, plan_id: str = "0" * 16) -> Path:
        return self.storage / "repositories" / plan_id


@pytest.fixture
def build(source: Source, tmp_path: Path, device: Device) -> Build:
    """Return a builder of plans from a source, on an empty storage."""
    return Build(source=source, folder=tmp_path, device=device)
