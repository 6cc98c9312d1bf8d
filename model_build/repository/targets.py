"""The targets: the runtimes that a plan can be built for. A new one is one more row of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model_build.errors import TargetError
from model_build.repository.onnxruntime_target import write_onnxruntime_model
from model_build.repository.served import ServedModel


@dataclass(frozen=True, kw_only=True)
class Target:
    """A runtime that Triton serves a plan with.

    Attributes:
        precisions: those that it can be built in.
        write: fills the model's own, still empty folder.
    """

    precisions: tuple[str, ...]
    write: Callable[[ServedModel, Path], None]


TARGETS: Final[Mapping[str, Target]] = {
    "onnxruntime": Target(precisions=("fp32",), write=write_onnxruntime_model),
}
_PLANNED: Final = ("tensorrt",)


def target_named(name: str, *, precision: str) -> Target:
    """Look a target up.

    Raises:
        TargetError: it is planned, unknown, or not built in that precision.
    """
    accepted = f"accepted: {', '.join(TARGETS)}"
    if name in _PLANNED:
        raise TargetError(f"target {name} is not built yet; {accepted}")
    if name not in TARGETS:
        raise TargetError(f"target {name} is unknown; {accepted}")
    target = TARGETS[name]
    if precision not in target.precisions:
        raise TargetError(
            f"target {name} is not built in precision {precision}; accepted: {', '.join(target.precisions)}"
        )
    return target
