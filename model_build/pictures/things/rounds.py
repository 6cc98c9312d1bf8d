"""Round things without a hollow to fill: a ball, a roll of paper, a dumbbell."""

from dataclasses import dataclass

import numpy as np

from model_build.pictures import distance
from model_build.pictures.material import Material
from model_build.pictures.things.solid import Bound, Part, bound_of
from model_build.pictures.vector import Vectors, direction


@dataclass(frozen=True, kw_only=True)
class Ball:
    """A table-tennis ball with a round patch that faces the camera; lengths in centimetres."""

    skin: Material
    patch: Material
    radius: float = 2.0
    patch_radius: float = 0.85

    @property
    def bound(self) -> Bound:
        """The sphere that contains the ball."""
        return Bound(height=self.radius, radius=1.01 * self.radius)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the patch and the skin."""
        x, y, z = points.T
        ball = distance.sphere(x, y - self.radius, z, self.radius)
        patch_x, patch_y, patch_z = direction(8, 20) * self.radius
        patch = distance.sphere(x - patch_x, y - self.radius - patch_y, z - patch_z, self.patch_radius)
        return [Part(np.maximum(ball, patch), self.patch), Part(ball, self.skin)]


@dataclass(frozen=True, kw_only=True)
class PaperRoll:
    """A roll of toilet tissue that stands upright; lengths in centimetres."""

    paper: Material
    radius: float = 5.6
    height: float = 9.5
    core: float = 2.0

    @property
    def bound(self) -> Bound:
        """The sphere that contains the roll."""
        return bound_of(radius=self.radius, height=self.height)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the roll, which is one part."""
        x, y, z = points.T
        across, half = distance.length(x, z), self.height / 2
        roll = distance.cylinder(across, y - half, radius=self.radius, half=half, edge=0.3)
        return [Part(distance.difference(roll, across - self.core, blend=0.2), self.paper)]


@dataclass(frozen=True, kw_only=True)
class Dumbbell:
    """A dumbbell that lies along x; lengths in centimetres."""

    bar: Material
    weight: Material
    length: float = 18.0
    radius: float = 4.0

    @property
    def bound(self) -> Bound:
        """The sphere that contains the dumbbell."""
        return bound_of(radius=float(np.hypot(self.length / 2, self.radius)), height=2 * self.radius)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the two weights and the bar."""
        x, y, z = points.T
        across, thick = distance.length(y - self.radius, z), self.length / 6
        weights = distance.cylinder(
            across, np.abs(x) - self.length / 2 + thick, radius=self.radius, half=thick, edge=0.5
        )
        bar = distance.cylinder(across, x, radius=1.0, half=self.length / 2 - 1, edge=0.2)
        return [Part(weights, self.weight), Part(bar, self.bar)]
