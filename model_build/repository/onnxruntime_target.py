"""Target onnxruntime: ONNX Runtime on the CPU, through Triton's Python backend."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from contract.comparison import Tolerance
from contract.served import INPUT_NAME, MODEL_FILE, OUTPUT_NAME
from model_build.errors import AdaptError
from model_build.repository.config import python_config, text_from_config
from model_build.repository.served import Order, ServedModel, Written, written_version
from model_build.repository.target import Target
from model_build.scoring import LoadedModel, Scores, Tensor
from model_build.spec import Spec
from model_build.tensorrt.record import TensorRTRecord

FP32_TOLERANCE: Final = Tolerance(largest=0.005, cosine=0.99999)
"""Between two runs of one plan in single precision, on whichever CPUs."""


class OnnxRuntimeTarget(Target):
    """Plans for Triton's Python backend, which run on any machine's CPUs."""

    @property
    def tolerances(self) -> Mapping[str, Tolerance]:  # noqa: D102  the base class says it
        return {"fp32": FP32_TOLERANCE}

    def admit(self, _spec: Spec, /) -> None:
        """Nothing is needed that the builder has not."""

    def write(self, order: Order, folder: Path) -> Written:
        """Fill the model's folder with the adapted ONNX and the file that runs it."""
        write_onnxruntime_model(order.served, order.classifier.onnx, folder)
        return Written(scores=list(order.classifier.scores(np.stack(order.golden))))

    def scores(self, version: Path, image: Tensor) -> Scores:
        """Run the folder's ONNX model, batched or not."""
        path = version / MODEL_FILE
        try:
            data = path.read_bytes()
        except OSError as error:
            raise AdaptError(f"{path}: {error.strerror}") from error
        loaded = LoadedModel(data, name=str(path))
        names = [*loaded.inputs, *loaded.outputs]
        if names != [INPUT_NAME, OUTPUT_NAME]:
            raise AdaptError(f"{path} has {names}; accepted: one input '{INPUT_NAME}', one output '{OUTPUT_NAME}'")
        batched = len(loaded.inputs[INPUT_NAME]) > image.ndim
        output = loaded.run(image[np.newaxis] if batched else image)[OUTPUT_NAME]
        return np.asarray(output, np.float32).reshape(-1)

    def refuse_foreign(self, _record: TensorRTRecord | None, /) -> None:
        """A plan of this target runs anywhere."""


def write_onnxruntime_model(model: ServedModel, onnx: bytes, folder: Path) -> None:
    """Fill a model's folder for Triton's Python backend.

    Args:
        model: how it is served.
        onnx: the adapted classifier.
        folder: the model's own folder in the repository, named as the model.
    """
    version = written_version(model, config_pbtxt(model), folder)
    (version / MODEL_FILE).write_bytes(onnx)
    backend = resources.files("model_build.repository") / "python_model.py"
    (version / "model.py").write_bytes(backend.read_bytes())


def config_pbtxt(model: ServedModel) -> str:
    """Return Triton's configuration of a model."""
    return text_from_config(python_config(model))
