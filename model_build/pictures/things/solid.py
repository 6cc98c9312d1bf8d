"""What every thing on the table has in common."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from model_build.pictures.material import Material
from model_build.pictures.vector import Scalars, Vectors


@dataclass(frozen=True)
class Part:
    """One material's share of a thing.

    Attributes:
        distance: from each asked point to this part, centimetres, shape (N,).
        material: what the part is made of.
    """

    distance: Scalars
    material: Material


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A sphere about the upright axis that contains a whole thing: a ray that misses it misses the thing.

    Attributes:
        height: of its centre above the table, centimetres.
        radius: centimetres.
    """

    height: float
    radius: float


class Solid(Protocol):
    """A thing that stands on the table about the upright axis, its handle toward +x."""

    @property
    def bound(self) -> Bound:
        """The sphere that contains the thing."""

    def parts(self, points: Vectors) -> list[Part]:
        """Return each part's distances to the points, shape (N, 3); of equally near ones the first is seen."""


def bound_of(*, radius: float, height: float) -> Bound:
    """Return the sphere about an upright cylinder that stands on the table, with a little to spare."""
    return Bound(height=height / 2, radius=1.02 * float(np.hypot(radius, height / 2)))
