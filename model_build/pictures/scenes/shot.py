"""A scene together with what is to be seen in it."""

from dataclasses import dataclass

import numpy as np

from model_build.pictures.scene import Camera, Room, Scene, Table
from model_build.pictures.things.solid import Solid

_FIELD_DEG = 26.0

COFFEE_MUG = 504
COFFEEPOT = 505
DINING_TABLE = 532
DUMBBELL = 543
PING_PONG_BALL = 722
SOUP_BOWL = 809
VASE = 883
WINE_BOTTLE = 907
CUP = 968
TOILET_TISSUE = 999


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A scene and the ImageNet class, 0 to 999, of what it shows."""

    class_index: int
    scene: Scene


def framed(
    class_index: int,
    thing: Solid,
    *,
    table: Table,
    room: Room,
    elevation_deg: float,
    fill: float,
    yaw_deg: float = 0.0,
    aside: float = 0.0,
) -> Shot:
    """Point the camera at a thing.

    Args:
        class_index: the thing's ImageNet class.
        thing: what stands on the table.
        table: under it.
        room: around it.
        elevation_deg: how far from above the camera looks.
        fill: the share of the picture's width that the sphere about the thing takes; above 1 it is cut.
        yaw_deg: the thing's turn; at 0 its handle is on the right, at 180 on the left.
        aside: how far right of the thing's axis the camera looks, centimetres, to centre a thing with a handle.
    """
    bound = thing.bound
    distance = bound.radius / fill / np.tan(np.radians(_FIELD_DEG / 2))
    camera = Camera(
        elevation_deg=elevation_deg,
        distance=float(distance),
        look_at=0.95 * bound.height,
        aside=aside,
        field_deg=_FIELD_DEG,
    )
    scene = Scene(thing=thing, yaw_deg=yaw_deg, table=table, room=room, camera=camera)
    return Shot(class_index=class_index, scene=scene)


def bare(table: Table, *, room: Room, elevation_deg: float, distance: float) -> Shot:
    """Point the camera at an empty table from this far, centimetres."""
    camera = Camera(elevation_deg=elevation_deg, distance=distance, look_at=0.0, field_deg=_FIELD_DEG)
    return Shot(class_index=DINING_TABLE, scene=Scene(thing=None, table=table, room=room, camera=camera))
