"""What things are made of."""

from dataclasses import dataclass
from typing import TypeAlias

Colour: TypeAlias = tuple[float, float, float]
"""Linear red, green and blue, each the share of light that is thrown back, 0 to 1."""


@dataclass(frozen=True)
class Material:
    """A surface's answer to light.

    Attributes:
        colour: of a metal, the tint of what it mirrors; of anything else, the matte body under the gloss.
        gloss: how much of a perfect mirror's shine the surface keeps, 0 (matte) to 1 (glazed).
        metallic: whether it mirrors as metal does and has no matte body.
    """

    colour: Colour
    gloss: float = 1.0
    metallic: bool = False


def glaze(red: float, green: float, blue: float) -> Material:
    """Return glazed ceramic of a linear colour."""
    return Material((red, green, blue))


def metal(red: float, green: float, blue: float) -> Material:
    """Return polished metal of a linear tint."""
    return Material((red, green, blue), gloss=0.9, metallic=True)


def matte(red: float, green: float, blue: float) -> Material:
    """Return something dull of a linear colour: paper, felt, foam."""
    return Material((red, green, blue), gloss=0.0)
