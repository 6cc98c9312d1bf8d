"""Closed vessels: a coffee pot, a vase, a bottle."""

from dataclasses import dataclass

import numpy as np

from model_build.pictures import distance
from model_build.pictures.material import Material
from model_build.pictures.things.solid import Bound, Part, bound_of
from model_build.pictures.vector import Scalars, Vectors


@dataclass(frozen=True, kw_only=True)
class CoffeePot:
    """A waisted coffee pot with a lid, a swan-necked spout toward +x and a handle; lengths in centimetres.

    Attributes:
        body: the pot's, lid's and spout's material.
        grip: the handle's and knob's material.
        height: of the rim under the lid.
        girth: the widest radius of the belly.
    """

    body: Material
    grip: Material
    height: float = 15.0
    girth: float = 5.7

    @property
    def bound(self) -> Bound:
        """The sphere that contains the pot, its spout and handle."""
        return bound_of(radius=1.55 * self.girth, height=1.26 * self.height)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the body with the spout, the lid, the knob, and the handle."""
        x, y, z = points.T
        across = distance.length(x, z)
        top, girth = self.height, self.girth
        belly = [
            (0, 0.3),
            (0.85 * girth, 0.3),
            (1.0 * girth, 0.3),
            (1.06 * girth, 0.3 * top),
            (0.62 * girth, 0.72 * top),
            (0.62 * girth, top),
        ]
        pot = distance.curve(across, y, belly) - 0.25
        lid = [(0.64 * girth, top + 0.2), (0.56 * girth, 1.09 * top), (0.2 * girth, 1.12 * top), (0, 1.12 * top)]
        return [
            Part(distance.union(pot, self._spout(x, y, z), blend=0.8), self.body),
            Part(distance.curve(across, y, lid) - 0.3, self.body),
            Part(distance.sphere(x, y - 1.185 * top, z, 0.8), self.grip),
            Part(self._handle(x, y, z), self.grip),
        ]

    def _spout(self, x: Scalars, y: Scalars, z: Scalars) -> Scalars:
        top, girth = self.height, self.girth
        swan = [
            (0.8 * girth, 0.40 * top),
            (1.2 * girth, 0.42 * top),
            (1.2 * girth, 0.80 * top),
            (1.5 * girth, 0.90 * top),
        ]
        rise = np.clip((y / top - 0.4) / 0.5, 0, 1)
        return distance.tube(x, y, z, swan, radius=1.25 - 0.75 * rise)

    def _handle(self, x: Scalars, y: Scalars, z: Scalars) -> Scalars:
        top, girth = self.height, self.girth
        ear = [
            (-0.62 * girth, 0.88 * top),
            (-1.2 * girth, 0.98 * top),
            (-1.55 * girth, 0.75 * top),
            (-1.45 * girth, 0.40 * top),
            (-0.95 * girth, 0.24 * top),
        ]
        return distance.band(x, y, z, ear, radius=0.5, wide=1.2)


@dataclass(frozen=True, kw_only=True)
class Vase:
    """An empty vase, wide at the shoulder, narrow at the neck; lengths in centimetres."""

    glaze: Material
    height: float = 24.0
    shoulder: float = 7.5

    @property
    def bound(self) -> Bound:
        """The sphere that contains the vase."""
        return bound_of(radius=self.shoulder, height=self.height + 0.4)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the vase, which is one part."""
        x, y, z = points.T
        top, wide = self.height, self.shoulder
        profile = [
            (0, 0.3),
            (0.55 * wide, 0.3),
            (1.0 * wide, 0.45 * top),
            (1.0 * wide, 0.68 * top),
            (0.2 * wide, 0.86 * top),
            (0.55 * wide, top),
        ]
        return [Part(distance.curve(distance.length(x, z), y, profile) - 0.3, self.glaze)]


@dataclass(frozen=True, kw_only=True)
class Bottle:
    """A wine bottle with a label and a capsule over the cork; lengths in centimetres."""

    glass: Material
    label: Material
    capsule: Material
    height: float = 29.0
    radius: float = 3.7

    @property
    def bound(self) -> Bound:
        """The sphere that contains the bottle."""
        return bound_of(radius=self.radius + 0.2, height=self.height + 0.4)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the label, the capsule, and the glass."""
        x, y, z = points.T
        across = distance.length(x, z)
        top, wide, neck = self.height, self.radius - 0.2, 1.2
        profile = [
            (0, 0.2),
            (0.9 * wide, 0.2),
            (wide, 0.2),
            (wide, 0.2 * top),
            (wide, 0.66 * top),
            (neck, 0.70 * top),
            (neck, 0.80 * top),
            (neck, top),
        ]
        glass = distance.curve(across, y, profile) - 0.2
        label = np.maximum(glass - 0.03, np.abs(y - 0.36 * top) - 0.16 * top)
        capsule = np.maximum(glass - 0.08, 0.78 * top - y)
        return [Part(label, self.label), Part(capsule, self.capsule), Part(glass, self.glass)]
