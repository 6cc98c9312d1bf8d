"""Rows of 3-D vectors.

Axes are right-handed: x to the right, y up from the table's top, z toward the camera. Lengths are in
centimetres, angles in degrees. Arrays are float64, with one row for each point or ray.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Scalars: TypeAlias = NDArray[np.float64]
"""One number a row, shape (N,)."""
Vectors: TypeAlias = NDArray[np.float64]
"""One point, direction or linear RGB colour a row, shape (N, 3); a lone one has shape (3,)."""
Mask: TypeAlias = NDArray[np.bool_]
"""One truth a row, shape (N,)."""


def dot(a: Vectors, b: Vectors) -> Scalars:
    """Return the scalar product of each pair of rows, broadcast, shape (N,)."""
    product: Scalars = a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]
    return product


def normalised(vectors: Vectors) -> Vectors:
    """Return the vectors scaled to length 1; none may be zero."""
    unit: Vectors = vectors / np.sqrt(dot(vectors, vectors))[..., np.newaxis]
    return unit


def reflected(directions: Vectors, normals: Vectors) -> Vectors:
    """Return the directions as a mirror with these unit normals throws them back, shape (N, 3)."""
    mirrored: Vectors = directions - 2 * dot(directions, normals)[:, np.newaxis] * normals
    return mirrored


def direction(azimuth_deg: float, elevation_deg: float) -> Vectors:
    """Return the unit vector toward a place in the room, shape (3,).

    Args:
        azimuth_deg: 0 is behind the camera (+z), 90 to the right (+x), -90 to the left.
        elevation_deg: 0 is the horizon, 90 straight up.
    """
    azimuth, elevation = np.radians(azimuth_deg), np.radians(elevation_deg)
    across = np.cos(elevation)
    return np.array([np.sin(azimuth) * across, np.sin(elevation), np.cos(azimuth) * across])


def turned(points: Vectors, angle_deg: float) -> Vectors:
    """Return the points in the frame of a thing that stands turned by this angle, shape (N, 3).

    Args:
        points: places in the scene, shape (N, 3).
        angle_deg: the thing's turn about the upright axis, counter-clockwise as seen from above.
    """
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    x, y, z = points[:, 0], points[:, 1], points[:, 2]
    return np.stack([x * cosine - z * sine, y, x * sine + z * cosine], axis=1)
