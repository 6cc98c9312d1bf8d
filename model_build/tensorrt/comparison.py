"""A compiled plan against ONNX Runtime, on the project's pictures: what decides whether it is published."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from PIL import Image

from model_build.adapt.classifier import Classifier
from model_build.errors import AnswerError
from model_build.pictures import fit_pictures
from model_build.preprocessing import PREPROCESSINGS, Tensor
from model_build.reference import Reference
from model_build.scoring import Scores
from model_build.tensorrt.device import BatchProfile, Device

_TOP: Final = 5


def comparison_images(expected: Image.Image) -> dict[str, Tensor]:
    """Return the expected picture and the project's own, under both preprocessings, by name."""
    pictures = {"the expected image": expected}
    for picture in fit_pictures():
        with Image.open(picture.path) as opened:
            pictures[picture.path.name] = opened.convert("RGB")
    return {
        f"{name} ({preprocessing})": tensor_from_picture(picture)
        for name, picture in pictures.items()
        for preprocessing, tensor_from_picture in PREPROCESSINGS.items()
    }


def compared_plan(
    plan: bytes,
    classifier: Classifier,
    device: Device,
    images: Mapping[str, Tensor],
    *,
    profile: BatchProfile,
    labels: Sequence[str],
    tolerance: float,
) -> Reference:
    """Run a plan one by one and in its largest batches, and compare its scores with ONNX Runtime's.

    So each of its optimization profiles, whose kernels differ, answers for every image.

    Args:
        plan: for the device.
        classifier: in single precision; what the plan was compiled from.
        device: that the plan was compiled on.
        images: float32 (3,224,224) each, by the names that an error shows.
        profile: the plan's batches.
        labels: one for each class.
        tolerance: the largest accepted difference of a score.

    Raises:
        AnswerError: a score is NaN or too far off, or the classes come in another order.
        PlanError: the plan cannot be run.
    """
    names, batch = list(images), np.stack(list(images.values()))
    expected = classifier.scores(batch)
    difference = 0.0
    for size in sorted({1, profile.largest}):
        scores = np.concatenate([device.scores(plan, batch[at : at + size]) for at in range(0, len(batch), size)])
        difference = max(difference, _checked_scores(scores, expected, names, labels, tolerance))
    return Reference(max_abs_difference=difference, tolerance=tolerance)


def _checked_scores(
    scores: Scores, expected: Scores, names: Sequence[str], labels: Sequence[str], tolerance: float
) -> float:
    """Return the largest difference, where it is accepted."""
    wrong = ~np.isfinite(scores)
    if wrong.any():
        picture = names[int(wrong.any(axis=1).argmax())]
        raise AnswerError(f"the plan answers NaN or infinity in {wrong.sum()} of {wrong.size} scores, first {picture}")
    differences = np.abs(scores.astype(np.float64) - expected.astype(np.float64))
    row, column = (int(index) for index in np.unravel_index(differences.argmax(), differences.shape))
    difference = float(differences[row, column])
    worst = (
        f"the worst difference is {difference:.4g}, {names[row]}, class {column} ({labels[column]}): the plan gives "
        f"{scores[row, column]:.6f}, ONNX Runtime {expected[row, column]:.6f}"
    )
    if difference > tolerance:
        raise AnswerError(f"the plan does not answer as ONNX Runtime: {worst}; accepted: up to {tolerance}")
    for name, row_scores, row_expected in zip(names, scores, expected, strict=True):
        if swapped := _swapped(row_scores, row_expected, tolerance):
            before, behind = (
                f"class {index} ({labels[index]}, plan {row_scores[index]:.6f}, ONNX Runtime {row_expected[index]:.6f})"
                for index in swapped
            )
            raise AnswerError(
                f"the plan does not put {before} before {behind}, {name}; accepted: ONNX Runtime's order where the "
                f"scores differ by more than {tolerance}; {worst}"
            )
    return difference


def _swapped(scores: Scores, expected: Scores, tolerance: float) -> tuple[int, int] | None:
    """Find a class of the reference's best five, and one that it puts clearly behind but the plan does not.

    Clearly is by more than the tolerance: two scores that are each within it may still change places.
    """
    for first in np.argsort(-expected, kind="stable")[:_TOP]:
        behind = np.flatnonzero(expected[first] - expected > tolerance)
        if behind.size and scores[second := behind[scores[behind].argmax()]] >= scores[first]:
            return int(first), int(second)
    return None
