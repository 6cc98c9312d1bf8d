"""Reference and golden scores: what the model must answer, decided before anything is published."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from model_build.adapt import Classifier, Original
from model_build.contract import GOLDEN_PREPROCESSING, SCORE_TOLERANCE
from model_build.errors import AnswerError
from model_build.preprocessing import PREPROCESSINGS, Tensor
from model_build.scoring import Scores
from model_build.spec import Expectation

_TOP = 3


@dataclass(frozen=True, kw_only=True)
class Reference:
    """How far the served model is from the one that it was made from, in units of a score."""

    max_abs_difference: float
    tolerance: float = SCORE_TOLERANCE


def reference_from_models(adapted: Classifier, original: Original, picture: Image.Image) -> Reference:
    """Measure the adapted model against the original on the expected picture and its mirror image.

    Raises:
        AnswerError: they differ by more than the tolerance, or one answers NaN.
    """
    images = np.stack(
        [preprocess(view) for view in (picture, ImageOps.mirror(picture)) for preprocess in PREPROCESSINGS.values()]
    )
    difference = max_abs_difference(adapted.scores(images), original.scores(images))
    if not difference <= SCORE_TOLERANCE:  # so that NaN fails
        raise AnswerError(
            f"{original.loaded.name}: the adapted model's scores differ from the original's by {difference:.4g}; "
            f"accepted: up to {SCORE_TOLERANCE}"
        )
    return Reference(max_abs_difference=difference)


def golden_input_from_picture(picture: Image.Image) -> Tensor:
    """Preprocess the expected picture as the golden scores want it, to float32 (3,224,224)."""
    return PREPROCESSINGS[GOLDEN_PREPROCESSING](picture)


def max_abs_difference(scores: Scores, expected: Scores) -> float:
    """Return the largest absolute difference; NaN where either has one."""
    return float(np.abs(scores.astype(np.float64) - expected.astype(np.float64)).max())


def check_answer(scores: Scores, labels: Sequence[str], expect: Expectation) -> None:
    """See that one image's scores, float32 (classes,), put the expected class by its expected label on top.

    ``labels`` are those that will be served, one for each class.

    Raises:
        AnswerError: another class or label is on top, or a score is NaN or infinite; shows got and expected.
    """
    if not np.isfinite(scores).all():
        raise AnswerError(
            f"the model answers NaN or infinity in {(~np.isfinite(scores)).sum()} of {len(scores)} scores"
        )
    wanted = expect.label if expect.label is not None else labels[expect.class_index]
    if int(scores.argmax()) != expect.class_index or labels[expect.class_index] != wanted:
        raise AnswerError(
            f"the expected image must be ({expect.class_index}) = {wanted}, but the model answers "
            f"{top_table(scores, labels)}"
        )


def top_table(scores: Scores, labels: Sequence[str]) -> str:
    """Return the three best classes of one image in one line, in the form of the quick start's client."""
    best = np.argsort(-scores, kind="stable")[:_TOP]
    return ", ".join(f"{scores[index]:.6f} ({index}) = {labels[index]}" for index in best)
