"""Things to drink and eat from: a mug, a cup on its saucer, a bowl.

Each is a wall turned on a lathe about a profile, its centre line from the middle of the bottom to the rim.
"""

from dataclasses import dataclass

import numpy as np

from model_build.pictures import distance
from model_build.pictures.distance import Point
from model_build.pictures.material import Material
from model_build.pictures.things.solid import Bound, Part, bound_of
from model_build.pictures.vector import Scalars, Vectors

COFFEE = Material((0.030, 0.012, 0.005), gloss=0.8)


def _drink(across: Scalars, y: Scalars, profile: list[Point], level: float) -> Scalars:
    """Return the distance to a liquid's surface at this height inside a lathed wall."""
    radius = distance.radius_at(np.array([level]), profile)
    return np.maximum(across - radius, np.abs(y - level) - 0.02)


@dataclass(frozen=True, kw_only=True)
class Mug:
    """A straight mug of coffee with an ear-shaped handle; lengths in centimetres.

    Attributes:
        outside: the glaze of the outer wall and the handle.
        inside: the glaze of the inner wall.
        radius: of the wall at the rim.
        foot: radius of the wall at the bottom.
        height: of the rim.
        wall: the wall's thickness.
        fill: the coffee's level, a share of the height.
    """

    outside: Material
    inside: Material
    radius: float = 4.2
    foot: float = 4.0
    height: float = 9.6
    wall: float = 0.44
    fill: float = 0.84

    @property
    def bound(self) -> Bound:
        """The sphere that contains the mug and its handle."""
        return bound_of(radius=self.radius + 3.2, height=self.height)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the inner wall, the outer wall with the handle, and the coffee."""
        x, y, z = points.T
        across, half = distance.length(x, z), self.wall / 2
        foot, low = self.foot, half
        profile = [(0, low), (foot - 0.7, low), (foot, low), (foot, 1.4), (self.radius, self.height - half)]
        wall = distance.curve(across, y, profile) - half
        within = across - distance.radius_at(y, profile)
        outer = distance.union(wall, self._handle(x, y, z), blend=0.45)
        return [
            Part(np.maximum(wall, within), self.inside),
            Part(np.maximum(outer, -within), self.outside),
            Part(_drink(across, y, profile, self.fill * self.height), COFFEE),
        ]

    def _handle(self, x: Scalars, y: Scalars, z: Scalars) -> Scalars:
        side, top = self.radius - 0.1, self.height
        ear = [
            (side, 0.80 * top),
            (side + 1.9, 0.86 * top),
            (side + 3.0, 0.66 * top),
            (side + 2.5, 0.36 * top),
            (side + 1.2, 0.22 * top),
            (side - 0.1, 0.22 * top),
        ]
        return distance.band(x, y, z, ear, radius=0.46, wide=1.3)


@dataclass(frozen=True, kw_only=True)
class Cup:
    """A round tea cup of coffee on a saucer; lengths in centimetres.

    Attributes:
        glaze: of the cup and the saucer.
        radius: of the cup's rim.
        height: of the rim above the saucer's well.
        saucer: radius of the saucer.
        fill: the coffee's level, a share of the height.
    """

    glaze: Material
    radius: float = 5.0
    height: float = 6.8
    saucer: float = 7.9
    fill: float = 0.6

    @property
    def bound(self) -> Bound:
        """The sphere that contains the cup and its saucer."""
        return bound_of(radius=self.saucer + 0.2, height=self.height + 0.8)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the cup with its handle, the saucer, and the coffee."""
        x, y, z = points.T
        across = distance.length(x, z)
        low, rim, radius = 0.9, 0.5 + self.height, self.radius
        profile = [(0, low), (0.55 * radius, low), (0.86 * radius, low + 0.2 * self.height), (radius, rim)]
        wall = distance.curve(across, y, profile) - 0.17
        foot = distance.segment(across, y, (0.45 * radius, 0.4), (0.45 * radius, low)) - 0.2
        within = across - distance.radius_at(y, profile)
        handle = distance.difference(self._handle(x, y, z), within, blend=0.1)
        cup = distance.union(distance.union(wall, foot, blend=0.15), handle, blend=0.3)
        return [
            Part(cup, self.glaze),
            Part(self._saucer(across, y), self.glaze),
            Part(_drink(across, y, profile, low + self.fill * self.height), COFFEE),
        ]

    def _handle(self, x: Scalars, y: Scalars, z: Scalars) -> Scalars:
        radius, rim = self.radius, 0.5 + self.height
        ear = [
            (0.92 * radius, 0.85 * rim),
            (1.30 * radius, 0.95 * rim),
            (1.36 * radius, 0.60 * rim),
            (1.05 * radius, 0.42 * rim),
            (0.80 * radius, 0.42 * rim),
        ]
        return distance.band(x, y, z, ear, radius=0.33, wide=1.25)

    def _saucer(self, across: Scalars, y: Scalars) -> Scalars:
        wide = self.saucer
        profile = [(0, 0.2), (0.45 * wide, 0.2), (0.55 * wide, 0.3), (0.85 * wide, 0.7), (wide, 1.2)]
        return distance.curve(across, y, profile) - 0.16


@dataclass(frozen=True, kw_only=True)
class Bowl:
    """A wide bowl of soup without a handle; lengths in centimetres.

    Attributes:
        glaze: of the bowl.
        soup: what it holds.
        radius: of the rim.
        height: of the rim.
        fill: the soup's level, a share of the height.
    """

    glaze: Material
    soup: Material
    radius: float = 8.0
    height: float = 6.0
    fill: float = 0.72

    @property
    def bound(self) -> Bound:
        """The sphere that contains the bowl."""
        return bound_of(radius=self.radius + 0.4, height=self.height + 0.4)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the bowl and its soup."""
        x, y, z = points.T
        across = distance.length(x, z)
        radius, rim, low = self.radius, self.height, 0.8
        profile = [(0, low), (0.5 * radius, low), (0.9 * radius, 0.45 * rim), (radius, rim)]
        wall = distance.curve(across, y, profile) - 0.25
        foot = distance.segment(across, y, (0.4 * radius, 0.2), (0.4 * radius, low)) - 0.2
        return [
            Part(distance.union(wall, foot, blend=0.2), self.glaze),
            Part(_drink(across, y, profile, self.fill * rim), self.soup),
        ]
