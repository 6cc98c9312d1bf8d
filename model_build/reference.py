"""What the model must answer, decided before anything is published: by its original, and by what is expected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from contract.comparison import (
    Comparison,
    Tolerance,
    compared,
    disagreement,
    least_spread_of,
    scale_of_scores,
    spread_of,
)
from contract.expectation import Expectation, reasons_against, table
from contract.manifest import Reference
from contract.pictures import tensor_from_picture
from contract.preprocessing import Preprocessing
from model_build.adapt import ADAPTED_TOLERANCE, Classifier, Original, classifier_from_original
from model_build.comparison_pictures import comparison_pictures
from model_build.errors import AnswerError
from model_build.scoring import Scores, Tensor

Run = tuple[Sequence[int], Scores]
"""The places of pictures that are asked about at once, and their scores, float32 (N,classes)."""


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What a plan is measured against: the original's own scores for pictures unlike each other.

    Attributes:
        names: of the pictures, for errors.
        images: float32 (N,C,H,W).
        scores: the original's, float32 (N,classes).
        scale: `contract.comparison.LOGITS` or `PROBABILITIES`, as the scores show.
        labels: one for each class.
    """

    names: Sequence[str]
    images: Tensor
    scores: Scores
    scale: str
    labels: Sequence[str]

    @cached_property
    def least_spread(self) -> float:
        """The least that differences are counted in."""
        return least_spread_of(self.scores.tolist(), scale=self.scale)


def yardstick_from_original(
    original: Original, expected: Sequence[Image.Image], preprocessing: Preprocessing, labels: Sequence[str]
) -> Yardstick:
    """Ask the source model about the comparison's pictures.

    Args:
        original: the source model.
        expected: the expected pictures, RGB.
        preprocessing: the model's.
        labels: one for each class.

    Raises:
        AnswerError: it answers NaN or infinity, or scores every class alike.
    """
    pictures = comparison_pictures(expected)
    images = np.stack([tensor_from_picture(picture, preprocessing) for picture in pictures.values()])
    scores = original.scores(images)
    wrong = ~np.isfinite(scores)
    name = original.loaded.name
    if wrong.any():
        raise AnswerError(f"{name} answers NaN or infinity in {wrong.sum()} of {wrong.size} scores")
    rows = scores.tolist()
    if not spread_of(rows[0]):
        raise AnswerError(f"{name} scores every class alike; accepted: a model that tells the expected picture's class")
    return Yardstick(
        names=list(pictures),
        images=images,
        scores=scores,
        scale=scale_of_scores(rows),
        labels=labels,
    )


def adapted_classifier(
    original: Original, yardstick: Yardstick, *, max_batch_size: int
) -> tuple[Classifier, Reference]:
    """Adapt the source model to the served contract, and measure how far it is from what it was."""
    classifier = classifier_from_original(
        original, yardstick.images, scale=yardstick.scale, max_batch_size=max_batch_size
    )
    places = range(len(yardstick.images))
    alone = (([place], classifier.scores(yardstick.images[[place]])) for place in places)
    return classifier, reference_from_scores(alone, yardstick, ADAPTED_TOLERANCE, who=classifier.loaded.name)


def reference_from_scores(runs: Iterable[Run], yardstick: Yardstick, tolerance: Tolerance, *, who: str) -> Reference:
    """Measure a model by what it answers to the yardstick's pictures.

    Args:
        runs: what it answers, one run or more.
        yardstick: what it must answer.
        tolerance: what is accepted.
        who: what errors call the model.

    Raises:
        AnswerError: a score is NaN or too far off; names the picture and the class.
    """
    figures: list[Comparison] = []
    wanted = yardstick.scores.tolist()
    for places, scores in runs:
        for place, row in zip(places, scores.tolist(), strict=True):
            here = compared(row, wanted[place], scale=yardstick.scale, least_spread=yardstick.least_spread)
            figures.append(here)
            if here.largest <= tolerance.largest and here.cosine >= tolerance.cosine:
                continue  # what is no number is not
            wrong = disagreement(
                row, wanted[place], scale=yardstick.scale, tolerance=tolerance, least_spread=yardstick.least_spread
            )
            raise AnswerError(
                f"{who} does not answer as its original, {yardstick.names[place]}, one of {len(places)} at once: "
                f"{wrong}; class {here.worst} is {yardstick.labels[here.worst]}"
            )
    return Reference(
        largest=max(each.largest for each in figures),
        cosine=min(each.cosine for each in figures),
        top=min(each.top for each in figures),
        tolerance=tolerance,
    )


def check_answer(scores: Scores, labels: Sequence[str], expectation: Expectation) -> None:
    """See that one picture's scores, float32 (classes,), are as expected.

    ``labels`` are those that will be served, one for each class.

    Raises:
        AnswerError: another class, label, rank or margin, or a score is NaN or infinite; shows got and expected.
    """
    if not np.isfinite(scores).all():
        wrong = (~np.isfinite(scores)).sum()
        raise AnswerError(f"the model answers NaN or infinity in {wrong} of {len(scores)} scores")
    expected = expectation.class_index
    wanted = expectation.label if expectation.label is not None else labels[expected]
    reasons = list(reasons_against(scores.tolist(), expectation))
    if labels[expected] != wanted:
        reasons.append(f"label: class {expected} is {labels[expected]}, expected {wanted}")
    if reasons:
        raise AnswerError(
            f"the expected picture must be ({expected}) = {wanted}, but the model answers "
            f"{table(scores.tolist(), labels)}; {'; '.join(reasons)}"
        )
