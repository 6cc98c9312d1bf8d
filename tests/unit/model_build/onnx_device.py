"""A device for the seam: no TensorRT, no mock of it; its plans hold the ONNX that they were compiled from."""

from dataclasses import dataclass, field

import numpy as np

from contract.served import OUTPUT_NAME
from model_build.errors import PlanError
from model_build.scoring import LoadedModel, Scores, Tensor
from model_build.tensorrt.device import BuildSettings, Compiled, Gpu, Machine, Version
from model_build.tensorrt.timing_cache import is_cache_hit

H800 = Gpu(product="NVIDIA-H800", compute_capability="9.0", driver="550.54.15")
MEASURED = b"measurements"
_HEAD = b"plan of "


@dataclass
class OnnxDevice:
    """ONNX Runtime in a GPU's place.

    Attributes:
        offset: added to one class's score by every plan that is run, for a plan that answers wrongly.
        asked: what `compile` was asked for, in order.
    """

    version: Version = (10, 13, 3)
    gpu: Gpu = H800
    offset: dict[int, float] = field(default_factory=dict)
    asked: list[tuple[BuildSettings, bytes]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def describe(self) -> Machine:
        return Machine(version=self.version, gpu=self.gpu)

    def compile(self, onnx: bytes, settings: BuildSettings, *, timing_cache: bytes) -> Compiled:
        self.asked.append((settings, timing_cache))
        return Compiled(
            plan=self._head() + onnx,
            tactic_sources=("CUBLAS", "CUDNN"),
            build_seconds=0.1,
            timing_cache=MEASURED,
            cache_hit=is_cache_hit(timing_cache, MEASURED),
        )

    def scores(self, plan: bytes, images: Tensor) -> Scores:
        if not plan.startswith(self._head()):
            raise PlanError("TensorRT cannot run the plan: it is damaged, or was not compiled here")
        self.batches.append(len(images))
        model = LoadedModel(plan.removeprefix(self._head()), name="plan")
        scores = np.array(model.run(images)[OUTPUT_NAME], np.float32)
        for index, offset in self.offset.items():
            scores[:, index] += np.float32(offset)
        return scores

    def _head(self) -> bytes:
        return _HEAD + self.describe().version_text.encode() + b"\n"
