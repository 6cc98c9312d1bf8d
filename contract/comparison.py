"""When scores are the same: one rule for the build, the pods, the smoke tests and the benchmarks.

Scores are compared relative to their own spread, for a model's units are its own: a difference of 0.1 is nothing where
the scores of a thousand classes reach from -20 to 30, and everything where they reach from 0 to 1. Probabilities are
compared by their logarithms: as they are, all but the first few are so small that no difference of theirs would show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

LOGITS = "logits"
PROBABILITIES = "probabilities"
SCALES = (LOGITS, PROBABILITIES)

TOP = 5
"""How many of the first classes are looked at by name."""

_SUM_TOLERANCE = 1e-2
"""How far from 1 the sum of probabilities may be: half precision rounds each of them."""

_LEAST_PROBABILITY = 1e-6
"""Below it a probability is as good as none: half precision's steps there, of 6e-8, would show as differences."""


@dataclass(frozen=True)
class Tolerance:
    """How far scores may be from the golden ones.

    Attributes:
        largest: the largest accepted difference of a score, in spreads.
        cosine: the smallest accepted cosine between both, each taken from its own mean: what is wrong a little
            everywhere shows here, where each single difference would pass.
    """

    largest: float
    cosine: float

    def document(self) -> dict[str, float]:
        """Return it as the manifest holds it."""
        return {"largest": self.largest, "cosine": self.cosine}


DEFAULT_TOLERANCE = Tolerance(largest=0.01, cosine=0.9999)
"""Where no manifest says another one: what two runs of the same float32 model may differ by, and no wrong one does."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison measures; what is no number is infinitely wrong.

    Attributes:
        largest: the largest difference, in spreads of the golden scores.
        worst: the class that it is found at.
        cosine: between both, each taken from its own mean.
        top: how many of golden's first five classes are among the first five here.
    """

    largest: float
    worst: int
    cosine: float
    top: int


def scale_of_scores(rows: Sequence[Sequence[float]]) -> str:
    """Find out whether scores are probabilities: none below 0 or above 1, and each row's sum 1.

    Args:
        rows: scores of several pictures, each (classes,).
    """
    probable = all(min(row) >= 0 and max(row) <= 1 and abs(math.fsum(row) - 1) <= _SUM_TOLERANCE for row in rows)
    return PROBABILITIES if rows and probable else LOGITS


def spread_of(scores: Sequence[float]) -> float:
    """Return the standard deviation of one picture's scores."""
    mean = math.fsum(scores) / len(scores)
    return math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))


def least_spread_of(rows: Sequence[Sequence[float]], *, scale: str) -> float:
    """Return the least that differences of one model's scores are counted in: half the median spread of its pictures.

    A model of few classes now and then scores them almost alike. Rounding grows with the scores and not with what is
    between them: in relation to that alone, a right model would differ from itself.

    Args:
        rows: scores of several pictures, each (classes,), finite.
        scale: of the scores.
    """
    spreads = sorted(spread_of(_comparable(row, scale)) for row in rows)
    return spreads[len(spreads) // 2] / 2


def compared(scores: Sequence[float], golden: Sequence[float], *, scale: str, least_spread: float = 0.0) -> Comparison:
    """Compare one picture's scores with the golden ones.

    Args:
        scores: (classes,).
        golden: (classes,), finite; not all the same, where there is no least spread.
        scale: `LOGITS` or `PROBABILITIES`, of both.
        least_spread: what differences are counted in where the picture's own spread is less.
    """
    if len(scores) != len(golden) or not all(map(math.isfinite, scores)):
        wrong = next((index for index, score in enumerate(scores) if not math.isfinite(score)), 0)
        return Comparison(largest=math.inf, worst=wrong, cosine=-1.0, top=0)
    here, there = _comparable(scores, scale), _comparable(golden, scale)
    apart = [abs(one - other) for one, other in zip(here, there)]
    worst = max(range(len(apart)), key=apart.__getitem__)
    own_spread = spread_of(there)
    spread = max(own_spread, least_spread)
    first, golden_first = ranked(scores)[:TOP], ranked(golden)[:TOP]
    largest = apart[worst] / spread if spread else (math.inf if apart[worst] else 0.0)
    return Comparison(
        largest=largest,
        worst=worst,
        cosine=_cosine(here, there, beside=len(there) * (spread**2 - own_spread**2)),
        top=len(set(first) & set(golden_first)),
    )


def disagreement(
    scores: Sequence[float], golden: Sequence[float], *, scale: str, tolerance: Tolerance, least_spread: float = 0.0
) -> str:
    """Say how one picture's scores differ from the golden ones by more than is accepted, in one line.

    Args:
        scores: (classes,).
        golden: (classes,), finite.
        scale: of both.
        tolerance: what is accepted.
        least_spread: as `compared` takes it.

    Returns:
        Nothing at all where they agree.
    """
    if len(scores) != len(golden):
        return f"{len(scores)} scores, golden has {len(golden)}"
    figures = compared(scores, golden, scale=scale, least_spread=least_spread)
    if math.isinf(figures.largest) and not math.isfinite(scores[figures.worst]):
        return f"class {figures.worst} scores {scores[figures.worst]}, golden {golden[figures.worst]:.6f}"
    reasons = list(_reasons(figures, tolerance))
    if not reasons:
        return ""
    worst = figures.worst
    where = f"the worst is class {worst}: {scores[worst]:.6g} instead of {golden[worst]:.6g}"
    return (
        f"{' and '.join(reasons)}; {where}; {figures.top} of golden's first {min(TOP, len(golden))} are among the first"
    )


def ranked(scores: Sequence[float]) -> list[int]:
    """Return the classes, the one of the highest score first, and of equal ones the earlier."""
    return sorted(range(len(scores)), key=lambda index: -scores[index])


def _reasons(figures: Comparison, tolerance: Tolerance) -> Any:
    if not figures.largest <= tolerance.largest:
        yield f"a score differs by {figures.largest:.3g} spreads, more than {tolerance.largest:g}"
    if not figures.cosine >= tolerance.cosine:
        yield f"the cosine is {figures.cosine:.6f}, less than {tolerance.cosine:g}"


def _comparable(scores: Sequence[float], scale: str) -> Sequence[float]:
    if scale == LOGITS:
        return scores
    return [math.log(max(score, _LEAST_PROBABILITY)) for score in scores]


def _cosine(one: Sequence[float], other: Sequence[float], *, beside: float) -> float:
    """Return the cosine between two rows, each taken from its own mean; 1 where both are flat.

    Args:
        one: (classes,).
        other: (classes,).
        beside: square of a length that both have in common along an axis of its own.
    """
    left, right = _centred(one), _centred(other)
    lengths = math.sqrt(_dot(left, left) + beside) * math.sqrt(_dot(right, right) + beside)
    if not lengths:
        return 1.0 if left == right else 0.0
    return (_dot(left, right) + beside) / lengths


def _centred(row: Sequence[float]) -> list[float]:
    mean = math.fsum(row) / len(row)
    return [value - mean for value in row]


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(left * right for left, right in zip(one, other))
