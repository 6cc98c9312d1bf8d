"""A scene: a thing on a table in a room, the lights in it, and the camera that looks at it."""

from dataclasses import dataclass

import numpy as np

from model_build.pictures.material import Colour, Material
from model_build.pictures.texture import Texture, plain
from model_build.pictures.things.solid import Bound, Part, Solid
from model_build.pictures.vector import Scalars, Vectors, direction, normalised, turned

_EDGE_DEG = 3.0


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Where the camera stands, on a sphere about what it looks at.

    Attributes:
        elevation_deg: 0 looks level, 90 straight down.
        distance: to what it looks at, centimetres.
        look_at: height of the middle of the picture above the table, centimetres.
        aside: how far right of the upright axis it looks, centimetres.
        field_deg: angle from one side of the square picture to the other.
    """

    elevation_deg: float
    distance: float
    look_at: float
    aside: float = 0.0
    field_deg: float = 26.0

    def rays(self, across: Scalars, up: Scalars) -> tuple[Vectors, Vectors]:
        """Return origins and unit directions of the rays through places of the picture, each shape (N, 3).

        Args:
            across: -1 at the picture's left side, 1 at its right, shape (N,).
            up: -1 at its lower side, 1 at its upper, shape (N,).
        """
        toward = -direction(0, self.elevation_deg)
        right = np.array([1.0, 0.0, 0.0])
        upward = np.cross(right, toward)
        scale = np.tan(np.radians(self.field_deg / 2))
        directions = toward + scale * (across[:, np.newaxis] * right + up[:, np.newaxis] * upward)
        eye = np.array([self.aside, self.look_at, 0.0]) - self.distance * toward
        return np.broadcast_to(eye, directions.shape), normalised(directions)


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """A bright rectangle far away: a window or a soft box. It lights the scene and shows in its gloss.

    Attributes:
        azimuth_deg: where its middle is: 0 behind the camera, 90 right, -90 left.
        elevation_deg: height of its middle above the horizon.
        half_width_deg: from the middle to its left or right side.
        half_height_deg: from the middle to its upper or lower side.
        radiance: how bright it is; a white sheet that it fills the sky over is as bright.
    """

    azimuth_deg: float
    elevation_deg: float
    half_width_deg: float
    half_height_deg: float
    radiance: float

    @property
    def toward(self) -> Vectors:
        """The unit direction to its middle, shape (3,)."""
        return direction(self.azimuth_deg, self.elevation_deg)

    @property
    def irradiance(self) -> float:
        """What a white sheet that faces it throws back."""
        sides = np.radians(2 * self.half_width_deg) * np.radians(2 * self.half_height_deg)
        return float(self.radiance * sides * np.cos(np.radians(self.elevation_deg)) / np.pi)

    @property
    def spread(self) -> float:
        """The tangent of its half angle: how soft the shadows are that it casts."""
        return float(np.tan(np.radians((self.half_width_deg + self.half_height_deg) / 2)))

    def seen(self, directions: Vectors) -> Scalars:
        """Return its radiance in each direction, shape (N,); its edges are soft."""
        azimuth = np.degrees(np.arctan2(directions[:, 0], directions[:, 2])) - self.azimuth_deg
        elevation = np.degrees(np.arcsin(np.clip(directions[:, 1], -1, 1))) - self.elevation_deg
        sideways = np.abs((azimuth + 180) % 360 - 180)
        inside_x = np.clip((self.half_width_deg - sideways) / _EDGE_DEG + 0.5, 0, 1)
        inside_y = np.clip((self.half_height_deg - np.abs(elevation)) / _EDGE_DEG + 0.5, 0, 1)
        radiance: Scalars = self.radiance * inside_x * inside_y
        return radiance


@dataclass(frozen=True, kw_only=True)
class Room:
    """What is around the table.

    Attributes:
        wall: radiance of the wall at the horizon, linear RGB.
        ceiling: radiance overhead, linear RGB.
        lamps: the lights, none of them in the picture.
    """

    wall: Colour
    ceiling: Colour
    lamps: tuple[Lamp, ...]

    @property
    def ambient(self) -> Colour:
        """What falls on a sheet that faces up from all but the lamps, linear RGB."""
        (red, green, blue), (above_red, above_green, above_blue) = self.wall, self.ceiling
        return ((red + above_red) / 2, (green + above_green) / 2, (blue + above_blue) / 2)

    def radiance(self, directions: Vectors) -> Vectors:
        """Return what is seen of the room in each direction, linear RGB, shape (N, 3)."""
        height = np.clip(directions[:, 1:2], 0, 1)
        colour = np.array(self.wall) * (1 - height) + np.array(self.ceiling) * height
        for lamp in self.lamps:
            colour = colour + lamp.seen(directions)[:, np.newaxis]
        return colour


@dataclass(frozen=True, kw_only=True)
class Table:
    """The plane y = 0.

    Attributes:
        material: its colour and gloss.
        texture: how its colour varies from place to place.
        angle_deg: turn of the texture about the upright axis.
    """

    material: Material
    texture: Texture = plain
    angle_deg: float = 12.0

    def colours(self, points: Vectors, blur: Scalars) -> Vectors:
        """Return its colour at points on it, linear RGB, shape (N, 3); ``blur`` is in centimetres."""
        local = turned(points, self.angle_deg)
        brightness = self.texture(local[:, 0], local[:, 2], blur)
        colours: Vectors = np.clip(brightness[:, np.newaxis] * np.array(self.material.colour), 0, 1)
        return colours


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that makes one picture.

    Attributes:
        thing: what stands on the table, if anything.
        yaw_deg: its turn about the upright axis; at 0 its handle is on the right, seen from the camera.
        table: under it.
        room: around it.
        camera: before it.
        exposure: factor on all light.
    """

    thing: Solid | None
    table: Table
    room: Room
    camera: Camera
    yaw_deg: float = 0.0
    exposure: float = 1.0

    def bound(self) -> Bound:
        """Return the sphere that contains the thing, of no size where there is none."""
        return self.thing.bound if self.thing else Bound(height=0, radius=0)

    def parts(self, points: Vectors) -> list[Part]:
        """Return the distances from the points to each of the thing's parts."""
        return self.thing.parts(turned(points, self.yaw_deg)) if self.thing else []

    def distance(self, points: Vectors) -> Scalars:
        """Return the distance from each point to the thing, centimetres, shape (N,)."""
        nearest: Scalars = np.minimum.reduce([part.distance for part in self.parts(points)])
        return nearest
