"""What light comes along a ray: the thing, the table and the room, their gloss and their shadows."""

from dataclasses import dataclass

import numpy as np

from model_build.pictures import march
from model_build.pictures.scene import Scene
from model_build.pictures.vector import Mask, Scalars, Vectors, dot, reflected

_FAR_CM = 250.0
_LIFT_CM = 5e-3
_DIELECTRIC_SHINE = 0.04
_TABLE_LIT = 0.6
_BELOW = 1e-6


@dataclass(frozen=True, kw_only=True)
class _Surface:
    """Places that rays have met: N points, unit normals and linear RGB colours (N, 3), the rest (N,).

    ``gloss`` and ``metallic`` are as in `Material`, from 0 to 1; ``is_table`` holds for all of them.
    """

    points: Vectors
    normals: Vectors
    colours: Vectors
    gloss: Scalars
    metallic: Scalars
    is_table: bool


@dataclass(frozen=True, kw_only=True)
class Tracer:
    """Follows rays through a scene.

    Attributes:
        scene: what the rays meet.
        ray_width: how wide a ray grows on each centimetre of its way.
    """

    scene: Scene
    ray_width: float

    def radiance(self, origins: Vectors, directions: Vectors, *, bounces: int) -> Vectors:
        """Return the light along each ray, linear RGB, shape (N, 3).

        Args:
            origins: where the rays start, at or above the table, shape (N, 3).
            directions: of length 1, shape (N, 3).
            bounces: how many mirrorings are followed to what they show; then gloss shows the room alone.
        """
        falling = np.minimum(directions[:, 1], -_BELOW)
        to_table = np.where(directions[:, 1] < -_BELOW, -origins[:, 1] / falling, np.inf)
        to_thing, on_thing = march.first_hit(self.scene, origins, directions, to_table)
        on_table = ~on_thing & (to_table < _FAR_CM)
        light = self.scene.room.radiance(directions)
        if on_thing.any():
            points = origins[on_thing] + to_thing[on_thing, np.newaxis] * directions[on_thing]
            light[on_thing] = self._shaded(self._thing_surface(points), directions[on_thing], bounces)
        if on_table.any():
            far = to_table[on_table]
            points = origins[on_table] + far[:, np.newaxis] * directions[on_table]
            surface = self._table_surface(points, blur=far * self.ray_width / -directions[on_table, 1])
            haze = ((far / _FAR_CM) ** 4)[:, np.newaxis]
            shaded = self._shaded(surface, directions[on_table], bounces)
            light[on_table] = shaded * (1 - haze) + light[on_table] * haze
        return light

    def _thing_surface(self, points: Vectors) -> _Surface:
        normals = march.normals(self.scene, points)
        parts = self.scene.parts(points)
        nearest = np.argmin([part.distance for part in parts], axis=0)
        materials = [part.material for part in parts]
        return _Surface(
            points=points + _LIFT_CM * normals,
            normals=normals,
            colours=np.array([material.colour for material in materials])[nearest],
            gloss=np.array([material.gloss for material in materials])[nearest],
            metallic=np.array([float(material.metallic) for material in materials])[nearest],
            is_table=False,
        )

    def _table_surface(self, points: Vectors, *, blur: Scalars) -> _Surface:
        table = self.scene.table
        return _Surface(
            points=points,
            normals=np.broadcast_to(np.array([0.0, 1.0, 0.0]), points.shape),
            colours=table.colours(points, blur),
            gloss=np.full(len(points), table.material.gloss),
            metallic=np.zeros(len(points)),
            is_table=True,
        )

    def _shaded(self, surface: _Surface, directions: Vectors, bounces: int) -> Vectors:
        """Return the light from places toward the rays that met them, linear RGB, shape (N, 3)."""
        facing = np.clip(-dot(directions, surface.normals), 0, 1)
        metallic = surface.metallic[:, np.newaxis]
        head_on = _DIELECTRIC_SHINE * (1 - metallic) + surface.colours * metallic
        shine = head_on + (1 - head_on) * ((1 - facing) ** 5)[:, np.newaxis]
        shine *= surface.gloss[:, np.newaxis]
        open_share = march.openness(self.scene, surface.points, surface.normals, above_table=not surface.is_table)
        body = surface.colours * (1 - metallic) * (1 - shine) * self._light_on(surface, open_share)
        light: Vectors = body + shine * self._mirrored(surface, directions, open_share, bounces)
        return light

    def _light_on(self, surface: _Surface, open_share: Scalars) -> Vectors:
        """Return the light that falls on each place: from the lamps past the thing, from room and table."""
        room = self.scene.room
        upward = 0.5 + 0.5 * surface.normals[:, 1:2]
        from_table = _TABLE_LIT * np.array(self.scene.table.material.colour)
        around = upward * np.array(room.ambient) + (1 - upward) * from_table
        light: Vectors = around * open_share[:, np.newaxis]
        for lamp in room.lamps:
            slant = np.clip(dot(surface.normals, lamp.toward), 0, 1)
            lit = np.flatnonzero(slant > 0)
            seen = march.visibility(self.scene, surface.points[lit], lamp)
            light[lit] += (lamp.irradiance * slant[lit] * seen)[:, np.newaxis]
        return light

    def _mirrored(self, surface: _Surface, directions: Vectors, open_share: Scalars, bounces: int) -> Vectors:
        """Return what each place would show as a perfect mirror, linear RGB, shape (N, 3)."""
        mirrored = reflected(directions, surface.normals)
        if bounces:
            shown: Mask = surface.gloss > 0
            light = np.zeros_like(surface.points)
            light[shown] = self.radiance(surface.points[shown], mirrored[shown], bounces=bounces - 1)
            return light
        upward = np.clip(0.5 + 2 * mirrored[:, 1:2], 0, 1)
        table = _TABLE_LIT * np.array(self.scene.table.material.colour)
        room = self.scene.room.radiance(mirrored) * open_share[:, np.newaxis]
        blended: Vectors = upward * room + (1 - upward) * table
        return blended
