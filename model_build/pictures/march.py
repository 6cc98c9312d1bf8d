"""Questions that are asked of a scene's thing by walking along rays: what is hit, what is in the way."""

import numpy as np

from model_build.pictures.scene import Lamp, Scene
from model_build.pictures.vector import Mask, Scalars, Vectors, dot, normalised

_HIT_CM = 2e-3
_MOST_STEPS = 120
_SHADOW_STEPS = 60
_PENUMBRA_REACH = 3.0
_NORMAL_CM = 2e-3
_TETRAHEDRON = np.array([(1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0)])
_OPENNESS_PROBES = ((0.03, 0.30), (0.08, 0.25), (0.15, 0.20), (0.28, 0.15), (0.45, 0.10))


def first_hit(scene: Scene, origins: Vectors, directions: Vectors, limit: Scalars) -> tuple[Scalars, Mask]:
    """Walk along each ray until it meets the thing.

    Args:
        scene: with the thing.
        origins: where the rays start, shape (N, 3).
        directions: of length 1, shape (N, 3).
        limit: how far each ray may go, centimetres, shape (N,).

    Returns:
        How far each ray went, centimetres, and whether it then stood on the thing, each shape (N,).
    """
    gone, end = _span_in_bound(scene, origins, directions, margin=1.0)
    end = np.minimum(end, limit)
    hit = np.zeros(len(origins), dtype=np.bool_)
    walking = np.flatnonzero(gone < end)
    for _ in range(_MOST_STEPS):
        if not walking.size:
            break
        step = scene.distance(origins[walking] + directions[walking] * gone[walking, np.newaxis])
        arrived = step < _HIT_CM
        hit[walking[arrived]] = True
        gone[walking] += np.where(arrived, 0, step)
        walking = walking[~arrived & (gone[walking] < end[walking])]
    return gone, hit


def normals(scene: Scene, points: Vectors) -> Vectors:
    """Return the unit normals of the thing's surface at points on it, shape (N, 3)."""
    slopes = [corner * scene.distance(points + _NORMAL_CM * corner)[:, np.newaxis] for corner in _TETRAHEDRON]
    return normalised(np.sum(slopes, axis=0))


def visibility(scene: Scene, points: Vectors, lamp: Lamp) -> Scalars:
    """Return how much of a lamp is seen from each point past the thing, 0 to 1, shape (N,).

    The nearest miss on the way, as an angle, against the lamp's size makes the penumbra.
    """
    directions = np.broadcast_to(lamp.toward, points.shape)
    gone, end = _span_in_bound(scene, points, directions, margin=1 + _PENUMBRA_REACH * lamp.spread)
    size = scene.bound().radius
    gone = np.maximum(gone, 0.02 * size)
    seen = np.ones(len(points))
    walking = np.flatnonzero(gone < end)
    for _ in range(_SHADOW_STEPS):
        if not walking.size:
            break
        gap = scene.distance(points[walking] + directions[walking] * gone[walking, np.newaxis])
        share = np.clip(gap / (gone[walking] * lamp.spread), 0, 1)
        seen[walking] = np.minimum(seen[walking], share)
        gone[walking] += np.clip(gap, 0.02 * size, 0.3 * size)
        walking = walking[(gone[walking] < end[walking]) & (seen[walking] > 0)]
    smooth: Scalars = seen * seen * (3 - 2 * seen)
    return smooth


def openness(scene: Scene, points: Vectors, directions: Vectors, *, above_table: bool) -> Scalars:
    """Return how much of the room is seen from each point, 0 to 1, shape (N,).

    Args:
        scene: with the thing that stands in the way.
        points: places on a surface, shape (N, 3).
        directions: the surface's unit normals there, shape (N, 3).
        above_table: whether the table stands in the way too, as it does for points that are not on it.
    """
    bound = scene.bound()
    from_centre = points - np.array([0.0, bound.height, 0.0])
    near = np.flatnonzero(dot(from_centre, from_centre) < (1.6 * bound.radius) ** 2)
    hidden = np.zeros(len(points))
    for reach, weight in _OPENNESS_PROBES:
        probe = reach * bound.radius
        places = points[near] + probe * directions[near]
        gap = scene.distance(places) if near.size else np.zeros(0)
        gap = np.minimum(gap, places[:, 1]) if above_table else gap
        hidden[near] += weight * np.maximum(1 - gap / probe, 0) if near.size else 0
    return np.clip(1 - hidden, 0.05, 1)


def _span_in_bound(scene: Scene, origins: Vectors, directions: Vectors, *, margin: float) -> tuple[Scalars, Scalars]:
    """Return where rays enter and leave the thing's bound, grown by a factor; a ray that misses leaves first."""
    bound = scene.bound()
    to_centre = np.array([0.0, bound.height, 0.0]) - origins
    middle = dot(to_centre, directions)
    spare = (margin * bound.radius) ** 2 - (dot(to_centre, to_centre) - middle**2)
    half = np.sqrt(np.maximum(spare, 0))
    enter = np.maximum(middle - half, 0)
    return enter, np.where(spare > 0, middle + half, -1.0)
