"""The precisions of a plan: what each needs, converts and tolerates."""

from dataclasses import dataclass
from typing import Final

import onnx

from contract.comparison import Tolerance
from model_build.adapt.classifier import Classifier
from model_build.errors import TargetError
from model_build.tensorrt.device import Machine, Version
from model_build.tensorrt.half_precision import half_precision_model
from model_build.tensorrt.settings import STRONGLY_TYPED_SINCE

_SINGLE: Final = Tolerance(largest=0.005, cosine=0.99999)
"""A correct conversion of the quick start's model in single precision is within 0.002 spreads of its reference."""

_TEN_BITS: Final = Tolerance(largest=0.1, cosine=0.9995)
"""Half precision and TF32 keep ten bits of what is multiplied. Measured over nine pictures, EfficientNet-Lite0
moves by up to 0.06 spreads (cosine 0.9999), SqueezeNet and DenseNet by 0.01; the least of the wrong ones that were
tried, exchanged colours, moves by 0.33 (cosine 0.996)."""

_TEN_BITS_AGAIN: Final = Tolerance(largest=0.05, cosine=0.9999)
"""Between two runs of one such plan, whose kernels and sums depend on the batch."""


@dataclass(frozen=True, kw_only=True)
class Precision:
    """A precision that a plan is built in.

    Attributes:
        reference_tolerance: how far it may be from the model that it was compiled from.
        score_tolerance: how far two runs of one plan may be from each other.
        since: the TensorRT that it needs; None for any.
    """

    reference_tolerance: Tolerance
    score_tolerance: Tolerance
    since: Version | None = None


PRECISIONS: Final = {
    "fp32": Precision(reference_tolerance=_SINGLE, score_tolerance=_SINGLE),
    "tf32": Precision(reference_tolerance=_TEN_BITS, score_tolerance=_TEN_BITS_AGAIN),
    "fp16": Precision(reference_tolerance=_TEN_BITS, score_tolerance=_TEN_BITS_AGAIN, since=STRONGLY_TYPED_SINCE),
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
