"""Whether scores are the golden ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def disagreement(scores: NDArray[np.floating], golden: Sequence[float], tolerance: float) -> str:
    """Say where scores differ from the golden by more than the tolerance; NaN always differs.

    Args:
        scores: any float, (classes,).
        golden: one score a class.
        tolerance: the largest absolute difference that is still right.

    Returns:
        One line that names the worst class, or nothing at all when every score agrees.
    """
    if scores.shape != (len(golden),):
        return f"scores of shape {list(scores.shape)}, golden has {len(golden)}"
    differences = absolute_differences(scores, golden)
    wrong = np.count_nonzero(~(differences <= tolerance))
    if not wrong:
        return ""
    worst = int(np.argmax(differences))
    return (
        f"{wrong} of {len(golden)} scores differ by more than {tolerance:g}; the worst is class {worst}: "
        f"{scores[worst]:f} instead of {golden[worst]:f}"
    )


def figures(scores: NDArray[np.floating], golden: Sequence[float], class_index: int) -> dict[str, float]:
    """Return what a comparison with the golden scores measures, whether they agree or not.

    Args:
        scores: any float, (classes,); of another shape nothing can be measured.
        golden: one score a class.
        class_index: the expected class.
    """
    if scores.shape != (len(golden),):
        return {}
    return {
        "max_abs_difference": float(absolute_differences(scores, golden).max()),
        "expected_class_score": float(scores[class_index]),
        "expected_class_golden": golden[class_index],
    }


def absolute_differences(scores: NDArray[np.floating], golden: Sequence[float]) -> NDArray[np.float64]:
    """Return how far each score is from its golden, float64 (classes,); infinite where it is no number."""
    differences = np.abs(scores.astype(np.float64) - np.asarray(golden, dtype=np.float64))
    return np.nan_to_num(differences, nan=np.inf, posinf=np.inf)
