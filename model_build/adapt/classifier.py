"""From a source model to a classifier of the served contract, proven to answer as the original does."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import onnx
from onnx import ModelProto, TensorProto

from contract.comparison import Tolerance, disagreement, least_spread_of
from contract.served import OUTPUT_NAME, ImageShape
from model_build.adapt.graph import contract_model, with_free_batch
from model_build.adapt.interface import Interface
from model_build.adapt.original import Original
from model_build.errors import AdaptError
from model_build.scoring import LoadedModel, Scores, Tensor, first_line

ADAPTED_TOLERANCE: Final = Tolerance(largest=0.002, cosine=0.99999)
"""Between a model and the same layers in the contract's clothes, and between one image and the same in a batch."""

_FREE: Final[str | int] = "N"
_FIXED: Final[str | int] = 1


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """An image classifier of the served contract.

    Attributes:
        onnx: the model's file: ``input`` float32 [N,C,H,W] to ``output`` float32 [N,classes].
        shape: C, H and W.
        batched: whether N is free; else it is 1.
    """

    onnx: bytes
    shape: ImageShape
    classes: int
    batched: bool
    loaded: LoadedModel

    def scores(self, images: Tensor) -> Scores:
        """Score images, float32 (N,C,H,W), one by one, to float32 (N,classes)."""
        return np.concatenate([self._rows(image[np.newaxis]) for image in images])

    def batch_scores(self, images: Tensor) -> Scores:
        """Score images, float32 (N,C,H,W), in one run, to float32 (N,classes)."""
        return self._rows(images)

    def _rows(self, images: Tensor) -> Scores:
        output = self.loaded.run(images)[OUTPUT_NAME]
        if output.shape != (len(images), self.classes):
            raise AdaptError(f"{len(images)} images give {list(output.shape)} scores")
        return np.asarray(output, np.float32)


def classifier_from_original(original: Original, images: Tensor, *, scale: str, max_batch_size: int) -> Classifier:
    """Adapt a source model to the served contract.

    Its names become the contract's, its batch axis dynamic, half precision and whole numbers single precision at both
    ends, NHWC input NCHW, and [N,C,1,1] scores [N,C]. Where the batch axis can't be freed, a batch of 1 does as long as
    ``max_batch_size`` asks for no more.

    Args:
        original: the source model.
        images: float32 (N,C,H,W), unlike each other, for which both must give the same scores, alone and together.
        scale: of the scores.
        max_batch_size: that it must serve.

    Raises:
        AdaptError: it cannot be made to fit; gives the reason.
    """
    expected = original.scores(images)
    reason = ""
    for model, interface, batch in _candidates(original, max_batch_size):
        try:
            classifier = _checked(model, interface, original, batch=batch)
            _refuse_difference(classifier.scores(images), expected, scale)
            if classifier.batched:
                _refuse_difference(classifier.batch_scores(images), expected, scale)
        except AdaptError as error:
            if interface is original.interface:
                reason = reason or str(error)
            continue
        return classifier
    raise AdaptError(
        f"{original.loaded.name} cannot be served with maxBatchSize {max_batch_size}: {reason}; "
        "accepted: a model with a dynamic batch axis, or maxBatchSize 0 or 1 where it takes one image alone"
    )


def _candidates(original: Original, max_batch_size: int) -> Iterator[tuple[ModelProto, Interface, str | int]]:
    """Yield what may do, the best first: the model, what its input is taken for, and its batch.

    A model of whole numbers mostly makes floats of them first of all, and answers floats alike: so it needs no
    integers on its way, which TensorRT has only at a network's ends.
    """
    model, own = original.model, original.interface
    floats = [replace(own, input_type=TensorProto.FLOAT)] if own.takes_whole_numbers else []
    batches = [(model, _FREE), (with_free_batch(model), _FREE), *([(model, _FIXED)] if max_batch_size <= 1 else [])]
    for candidate, batch in batches:
        for interface in (*floats, own):
            yield candidate, interface, batch


def _checked(model: ModelProto, interface: Interface, original: Original, *, batch: str | int) -> Classifier:
    adapted = contract_model(model, interface, classes=original.classes, batch=batch)
    name = f"{original.loaded.name}, adapted"
    try:
        onnx.checker.check_model(adapted)
    except onnx.checker.ValidationError as error:
        raise AdaptError(f"{name} is not valid: {first_line(error)}") from error
    data = adapted.SerializeToString(deterministic=True)
    return Classifier(
        onnx=data,
        shape=original.interface.shape,
        classes=original.classes,
        batched=batch == _FREE,
        loaded=LoadedModel(data, name=name),
    )


def _refuse_difference(scores: Scores, expected: Scores, scale: str) -> None:
    rows = expected.tolist()
    least = least_spread_of(rows, scale=scale)
    for row, wanted in zip(scores.tolist(), rows, strict=True):
        if wrong := disagreement(row, wanted, scale=scale, tolerance=ADAPTED_TOLERANCE, least_spread=least):
            raise AdaptError(f"{len(scores)} images score otherwise than by the original, one by one: {wrong}")
