"""Every scene by name."""

from model_build.pictures.scenes.fit_drinks import COFFEE_POTS, CUPS, MUGS
from model_build.pictures.scenes.fit_others import BALLS, OTHERS, TABLES
from model_build.pictures.scenes.held_out import HELD_OUT
from model_build.pictures.scenes.shot import Shot

FIT: dict[str, Shot] = MUGS | CUPS | COFFEE_POTS | BALLS | OTHERS | TABLES
"""The scenes of the fit set, in the order of its index."""

SCENES: dict[str, Shot] = HELD_OUT | FIT
"""All scenes."""

__all__ = ["FIT", "HELD_OUT", "SCENES", "Shot"]
