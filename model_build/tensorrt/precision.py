"""The precisions of a plan: what each needs, converts and tolerates."""

import logging
import warnings
from dataclasses import dataclass
from typing import Final

import onnx

from model_build.adapt.classifier import Classifier
from model_build.contract import SCORE_TOLERANCE
from model_build.errors import AdaptError, TargetError
from model_build.scoring import first_line
from model_build.tensorrt.device import Machine, Version

_LOGGER = logging.getLogger(__name__)

STRONGLY_TYPED_SINCE: Final[Version] = (10, 12, 0)
"""From here on a network's types are the ONNX's own; before, half precision was the builder's to choose."""

FP32_REFERENCE_TOLERANCE: Final = 0.01
"""A correct conversion of the quick start's model is within 0.004 of its reference."""

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
    "fp16": Precision(
        reference_tolerance=FP16_REFERENCE_TOLERANCE,
        score_tolerance=FP16_SCORE_TOLERANCE,
        since=STRONGLY_TYPED_SINCE,
    ),
}


def refuse_precision(name: str, machine: Machine) -> None:
    """See that a machine's TensorRT builds in a precision.

    Raises:
        TargetError: it is too old.
    """
    since = PRECISIONS[name].since
    if since and machine.version < since:
        raise TargetError(
            f"{name} needs TensorRT {since[0]}.{since[1]} or newer, this is {machine.version_text}; "
            "accepted: precision fp32"
        )


def onnx_in_precision(classifier: Classifier, name: str) -> bytes:
    """Return the classifier's ONNX in a precision; its input and output stay float32.

    Raises:
        AdaptError: the converter fails, or gives no valid model.
    """
    if name == "fp32":
        return classifier.onnx
    try:
        # Here, so that only a half precision build needs the package.
        from onnxconverter_common.float16 import convert_float_to_float16  # noqa: PLC0415

        with warnings.catch_warnings(record=True) as rounded:
            warnings.simplefilter("always")
            model = convert_float_to_float16(onnx.load_model_from_string(classifier.onnx), keep_io_types=True)
        onnx.checker.check_model(model)
    except Exception as error:  # it raises whatever its graph walk meets
        raise AdaptError(f"the model cannot be converted to half precision: {first_line(error)}") from error
    if rounded:
        _LOGGER.info("half precision rounds the smallest or the largest weights of %d tensors", len(rounded))
    data: bytes = model.SerializeToString(deterministic=True)
    return data
