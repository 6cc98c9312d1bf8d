"""The targets: the runtimes that a plan can be built for. A new one is one more row of the table."""

from typing import Final

from model_build.errors import TargetError
from model_build.repository.onnxruntime_target import OnnxRuntimeTarget
from model_build.repository.target import Target
from model_build.repository.tensorrt_target import TensorRTTarget

TARGETS: Final[dict[str, Target]] = {
    "onnxruntime": OnnxRuntimeTarget(),
    "tensorrt": TensorRTTarget(),
}


def target_named(name: str, *, precision: str) -> Target:
    """Look a target up.

    Raises:
        TargetError: it is unknown, or not built in that precision.
    """
    if name not in TARGETS:
        raise TargetError(f"target {name} is unknown; accepted: {', '.join(TARGETS)}")
    target = TARGETS[name]
    if precision not in target.tolerances:
        raise TargetError(
            f"target {name} is not built in precision {precision}; accepted: {', '.join(target.tolerances)}"
        )
    return target
