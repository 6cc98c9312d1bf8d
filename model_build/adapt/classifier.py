"""From a source model to a classifier of the served contract, proven to answer as the original does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import onnx
from onnx import ModelProto

from model_build.adapt.graph import contract_model, with_free_batch
from model_build.adapt.original import Original
from model_build.contract import IMAGE_SHAPE, OUTPUT_NAME, SCORE_TOLERANCE
from model_build.errors import AdaptError
from model_build.preprocessing import Tensor
from model_build.scoring import LoadedModel, Scores, first_line

_BATCH: Final = 2
_FREE: Final = "N"
_FIXED: Final = 1


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """An image classifier of the served contract.

    Attributes:
        onnx: the model's file: ``input`` float32 [N,3,224,224] to ``output`` float32 [N,classes].
        batched: whether N is free; else it is 1.
    """

    onnx: bytes
    classes: int
    batched: bool
    loaded: LoadedModel

    def scores(self, images: Tensor) -> Scores:
        """Score images, float32 (N,3,224,224), one by one, to float32 (N,classes)."""
        return np.concatenate([self._rows(image[np.newaxis]) for image in images])

    def batch_scores(self, images: Tensor) -> Scores:
        """Score images, float32 (N,3,224,224), in one run, to float32 (N,classes)."""
        return self._rows(images)

    def _rows(self, images: Tensor) -> Scores:
        output = self.loaded.run(images)[OUTPUT_NAME]
        if output.shape != (len(images), self.classes):
            raise AdaptError(f"{len(images)} images give {list(output.shape)} scores")
        return np.asarray(output, np.float32)


def classifier_from_original(original: Original, *, max_batch_size: int) -> Classifier:
    """Adapt a source model to the served contract.

    Its names become the contract's, its batch axis dynamic, half precision single at both ends, NHWC input
    NCHW, and [N,C,1,1] scores [N,C]. Where the batch axis can't be freed, a batch of 1 does as long as
    ``max_batch_size`` asks for no more.

    Raises:
        AdaptError: it cannot be made to fit; gives the reason.
    """
    images = _unlike_images()
    expected = original.scores(images)
    if not np.isfinite(expected).all():
        raise AdaptError(f"{original.loaded.name} answers NaN or infinity")
    reason = ""
    for model, batch in _candidates(original.model, max_batch_size):
        try:
            classifier = _checked(model, original, batch=batch)
            _refuse_difference(classifier.scores(images), expected)
            if classifier.batched:
                _refuse_difference(classifier.batch_scores(images), expected)
        except AdaptError as error:
            reason = reason or str(error)
            continue
        return classifier
    raise AdaptError(
        f"{original.loaded.name} cannot be served with maxBatchSize {max_batch_size}: {reason}; "
        "accepted: a model with a dynamic batch axis, or maxBatchSize 0 or 1 where it takes one image alone"
    )


def _unlike_images() -> Tensor:
    """Return two images of noise, each tinted in its own colour, so that mixing them up shows."""
    random = np.random.default_rng(0)
    tints = random.uniform(-1, 1, (_BATCH, IMAGE_SHAPE[0], 1, 1))
    return (tints + random.uniform(-1, 1, (_BATCH, *IMAGE_SHAPE))).astype(np.float32)


def _candidates(model: ModelProto, max_batch_size: int) -> Iterator[tuple[ModelProto, str | int]]:
    yield model, _FREE
    yield with_free_batch(model), _FREE
    if max_batch_size <= 1:
        yield model, _FIXED


def _checked(model: ModelProto, original: Original, *, batch: str | int) -> Classifier:
    adapted = contract_model(model, original.interface, classes=original.classes, batch=batch)
    name = f"{original.loaded.name}, adapted"
    try:
        onnx.checker.check_model(adapted)
    except onnx.checker.ValidationError as error:
        raise AdaptError(f"{name} is not valid: {first_line(error)}") from error
    data = adapted.SerializeToString(deterministic=True)
    return Classifier(
        onnx=data,
        classes=original.classes,
        batched=batch == _FREE,
        loaded=LoadedModel(data, name=name),
    )


def _refuse_difference(scores: Scores, expected: Scores) -> None:
    difference = float(np.abs(scores - expected).max())
    if not difference <= SCORE_TOLERANCE:  # so that NaN fails
        raise AdaptError(f"{len(scores)} images at once score otherwise than one by one, by up to {difference:.4g}")
