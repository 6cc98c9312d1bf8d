"""Pictures that the project renders itself, and the set that a fixture's head is fitted on."""

import json
from dataclasses import dataclass
from pathlib import Path

INDEX = Path(__file__).with_name("data") / "index.json"
"""The list of the fit set's pictures, which lie beside it."""


@dataclass(frozen=True, kw_only=True)
class FitPicture:
    """One committed picture of the fit set.

    Attributes:
        path: the PNG, RGB, square.
        class_index: the ImageNet class, 0 to 999, of the thing that it shows.
        scene: the name of the scene that it was rendered from.
    """

    path: Path
    class_index: int
    scene: str


def fit_pictures() -> list[FitPicture]:
    """Read the index of the fit set, in its own order, without rendering anything."""
    entries = json.loads(INDEX.read_text(encoding="utf-8"))
    return [
        FitPicture(path=INDEX.parent / entry["file"], class_index=entry["class"], scene=entry["scene"])
        for entry in entries
    ]
