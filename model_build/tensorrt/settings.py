"""What is asked of TensorRT's builder, and of a plan that has several optimization profiles: rules without a GPU."""

from collections.abc import Sequence
from typing import Final

from contract.served import ImageShape
from model_build.tensorrt.device import BatchProfile, BuildSettings, Version

STRONGLY_TYPED_SINCE: Final[Version] = (10, 0, 0)
"""From here on a network's types can be the ONNX's own; before, half precision was the builder's to choose."""

_STRONGLY_TYPED_ALWAYS: Final[Version] = (11, 0, 0)
"""From here on nothing else exists, and asking for it is deprecated."""

_MIB: Final = 2**20

ONE_IMAGE: Final = BatchProfile(typical=1, largest=1)


def build_settings(
    version: Version,
    precision: str,
    *,
    batches: BatchProfile,
    image_shape: ImageShape,
    workspace_mib: int,
) -> BuildSettings:
    """Decide what a plan is compiled with.

    One image alone is the most frequent request: a plan that takes more has a profile for it of its own.

    Args:
        version: TensorRT's.
        precision: fp32, tf32, or fp16, which is the ONNX's own and asks nothing of the builder.
        batches: that the plan takes.
        image_shape: one image's planes, height and width.
        workspace_mib: the builder's scratch limit.
    """
    return BuildSettings(
        strongly_typed=STRONGLY_TYPED_SINCE <= version < _STRONGLY_TYPED_ALWAYS,
        tf32=precision == "tf32",
        profiles=(ONE_IMAGE,) if batches == ONE_IMAGE else (ONE_IMAGE, batches),
        image_shape=image_shape,
        workspace_bytes=workspace_mib * _MIB,
    )


def profile_for_batch(profiles: Sequence[BatchProfile], size: int) -> int:
    """Choose a plan's optimization profile as Triton's TensorRT backend does, so that the same kernels run.

    Args:
        profiles: in their order in the plan.
        size: of the batch.

    Returns:
        The index of the one whose typical batch is nearest, the first of equals; where none takes the batch, the first
        of all, which gives TensorRT's own reason.
    """
    fitting = [index for index, profile in enumerate(profiles) if profile.smallest <= size <= profile.largest]
    return min(fitting, key=lambda index: abs(profiles[index].typical - size), default=0)
