"""The table that the quick start's image_client prints."""

from collections.abc import Sequence

from smoke_tests.client import Classified
from smoke_tests.endpoint import Endpoint

BestClasses = dict[tuple[Endpoint, str], list[Classified]]
"""What each server called each picture, by its name."""

INDENT = "    "


def classification_table(image: str, classes: Sequence[Classified]) -> list[str]:
    """Return the lines of ``image_client``: the image, then score, class and label, best first.

    Scores have six decimals, as Triton prints them, and are aligned on the right.
    """
    scores = [f"{entry.score:f}" for entry in classes]
    width = max(map(len, scores), default=0)
    return [
        f"Image '{image}':",
        *(
            f"{INDENT}{score:>{width}} ({entry.class_index}) = {entry.label}"
            for score, entry in zip(scores, classes, strict=True)
        ),
    ]
