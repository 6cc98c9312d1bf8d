"""The precisions of a plan: what each needs, converts and tolerates."""

from dataclasses import dataclass
from typing import Final

import onnx

from model_build.adapt.classifier import Classifier
from model_build.contract import SCORE_TOLERANCE
from model_build.errors import TargetError
from model_build.tensorrt.device import Machine, Version
from model_build.tensorrt.half_precision import half_precision_model
from model_build.tensorrt.settings import STRONGLY_TYPED_SINCE

FP32_REFERENCE_TOLERANCE: Final = 0.01
"""A correct conversion of the quick start's model is within 0.004 of its reference."""

TF32_REFERENCE_TOLERANCE: Final = 0.05
"""TF32 rounds what is multiplied to as many digits as half precision has, but adds up in single precision."""

TF32_SCORE_TOLERANCE: Final = 0.05
"""Between two runs of one plan, of which one may compute in TF32 and the other, of another batch, not."""

FP16_REFERENCE_TOLERANCE: Final = 0.25
"""Half precision moves a score of the DenseNet-121 fixture by up to 0.12, of SqueezeNet by less."""

FP16_SCORE_TOLERANCE: Final = 0.05
"""Between two runs of one half precision plan, whose sums depend on the batch."""


@dataclass(frozen=True, kw_only=True)
class Precision:
    """A precision that a plan is built in.

    Attributes:
        reference_tolerance: the largest accepted difference of a score from the single precision reference.
        score_tolerance: the largest accepted difference between two runs of one plan.
        since: the TensorRT that it needs; None for any.
    """

    reference_tolerance: float
    score_tolerance: float
    since: Version | None = None


PRECISIONS: Final = {
    "fp32": Precision(reference_tolerance=FP32_REFERENCE_TOLERANCE, score_tolerance=SCORE_TOLERANCE),
    "tf32": Precision(reference_tolerance=TF32_REFERENCE_TOLERANCE, score_tolerance=TF32_SCORE_TOLERANCE),
    "fp16": Precision(
        reference_tolerance=FP16_REFERENCE_TOLERANCE,
        score_tolerance=FP16_SCORE_TOLERANCE,
        since=STRONGLY_TYPED_SINCE,
    ),
}
"""fp32: single precision throughout, TF32 off. tf32: the same model, but the GPU may multiply in TF32. fp16: the
model's own weights and layers in half precision."""


def refuse_precision(name: str, machine: Machine) -> None:
    """See that a machine's TensorRT builds in a precision.

    Raises:
        TargetError: it is too old.
    """
    since = PRECISIONS[name].since
    if since and machine.version < since:
        raise TargetError(
            f"{name} needs TensorRT {since[0]}.{since[1]} or newer, this is {machine.version_text}; "
            "accepted: precision fp32 or tf32"
        )


def onnx_in_precision(classifier: Classifier, name: str) -> bytes:
    """Return the classifier's ONNX in a precision; its input and output stay float32.

    Raises:
        AdaptError: half precision cannot hold a weight, which is named; or the model cannot be converted.
    """
    if name != "fp16":
        return classifier.onnx
    model = half_precision_model(onnx.load_model_from_string(classifier.onnx))
    data: bytes = model.SerializeToString(deterministic=True)
    return data
