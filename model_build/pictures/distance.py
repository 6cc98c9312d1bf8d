"""Signed distances to simple shapes, and ways to join them.

A distance is negative inside a shape, zero on its surface, and never more than the true distance outside,
so that a ray may always advance by it. Two-dimensional shapes are turned into things by giving them the
radius about an axis as ``x`` (a lathe), or the distance from their plane (a tube).

The blends and the closed form for the distance to a quadratic curve are Inigo Quilez's,
https://iquilezles.org/articles/distfunctions2d/.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from model_build.pictures.vector import Scalars

Point: TypeAlias = tuple[float, float]
"""A place in a plane, centimetres."""

_STRAIGHT = 1e-9


def length(x: Scalars, y: Scalars) -> Scalars:
    """Return the length of each 2-D vector, shape (N,)."""
    root: Scalars = np.sqrt(x * x + y * y)
    return root


def union(a: Scalars, b: Scalars, blend: float) -> Scalars:
    """Join two shapes with a fillet about ``blend`` centimetres wide."""
    share = np.clip(0.5 + 0.5 * (b - a) / blend, 0, 1)
    joined: Scalars = b + (a - b) * share - blend * share * (1 - share)
    return joined


def difference(a: Scalars, b: Scalars, blend: float) -> Scalars:
    """Cut shape ``b`` out of shape ``a``, the edge rounded over ``blend`` centimetres."""
    return -union(-a, b, blend)


def sphere(x: Scalars, y: Scalars, z: Scalars, radius: float) -> Scalars:
    """Return the distance to a sphere about the origin."""
    distance: Scalars = np.sqrt(x * x + y * y + z * z) - radius
    return distance


def cylinder(across: Scalars, along: Scalars, *, radius: float, half: float, edge: float) -> Scalars:
    """Return the distance to a cylinder with rounded edges.

    Args:
        across: distance from the cylinder's axis.
        along: position along the axis, measured from the middle.
        radius: the cylinder's radius.
        half: half its length.
        edge: radius of the rounding, at most ``half``.
    """
    sideways = across - radius + edge
    lengthwise = np.abs(along) - half + edge
    outside = length(np.maximum(sideways, 0), np.maximum(lengthwise, 0))
    distance: Scalars = outside + np.minimum(np.maximum(sideways, lengthwise), 0) - edge
    return distance


def segment(x: Scalars, y: Scalars, a: Point, b: Point) -> Scalars:
    """Return the distance to the straight line from ``a`` to ``b``, never negative."""
    (ax, ay), (bx, by) = a, b
    dx, dy = bx - ax, by - ay
    along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    return length(x - ax - along * dx, y - ay - along * dy)


def quadratic(x: Scalars, y: Scalars, a: Point, b: Point, c: Point) -> Scalars:
    """Return the distance to the quadratic Bézier curve from ``a`` to ``c`` that bends toward ``b``."""
    (ax, ay), (bx, by), (cx, cy) = a, b, c
    start_x, start_y = bx - ax, by - ay
    bend_x, bend_y = ax - 2 * bx + cx, ay - 2 * by + cy
    bend = bend_x**2 + bend_y**2
    if bend < _STRAIGHT:
        return segment(x, y, a, c)
    to_x, to_y = ax - x, ay - y
    # The nearest place is where the curve runs square to the line of sight: t³ + 3st² + … = 0, with t = u - s.
    shift = (start_x * bend_x + start_y * bend_y) / bend
    p = (2 * (start_x**2 + start_y**2) + to_x * bend_x + to_y * bend_y) / (3 * bend) - shift**2
    q = (to_x * start_x + to_y * start_y) / bend - shift * (3 * p + shift**2)

    def distance_at(root: Scalars) -> Scalars:
        t = np.clip(root - shift, 0, 1)
        return length(to_x + t * (2 * start_x + t * bend_x), to_y + t * (2 * start_y + t * bend_y))

    largest, smallest = _outer_roots(p, q)
    return np.minimum(distance_at(largest), distance_at(smallest))


def _outer_roots(p: Scalars, q: Scalars) -> tuple[Scalars, Scalars]:
    """Return the largest and the smallest real root of u³ + 3pu + q, the same one where there is but one."""
    discriminant = q * q + 4 * p * p * p
    spread = np.sqrt(np.maximum(discriminant, 0))
    only = np.cbrt((spread - q) / 2) - np.cbrt((spread + q) / 2)
    several = discriminant < 0
    scale = np.sqrt(-p[several])
    cosine = np.cos(np.arccos(np.clip(q[several] / (2 * p[several] * scale), -1, 1)) / 3)
    largest, smallest = only.copy(), only
    largest[several] = 2 * scale * cosine
    smallest[several] = -scale * (cosine + np.sqrt(3 * np.maximum(1 - cosine * cosine, 0)))
    return largest, smallest


def curve(x: Scalars, y: Scalars, control: Sequence[Point]) -> Scalars:
    """Return the distance to the smooth curve that starts and ends at, and bends toward, these points.

    It is a quadratic B-spline: its tangent turns without a jump, so what it outlines reflects without a crease.
    At least three points.
    """
    nearest: Scalars = np.minimum.reduce([quadratic(x, y, *piece) for piece in _pieces(control)])
    return nearest


def radius_at(heights: Scalars, control: Sequence[Point]) -> Scalars:
    """Return the ``x`` at which a curve that only rises passes these heights, held beyond its ends."""
    xs, ys = _places(tuple(control))
    radii: Scalars = np.interp(heights, ys, xs)
    return radii


@cache
def _places(control: tuple[Point, ...]) -> tuple[Scalars, Scalars]:
    """Return places along a curve from its start to its end, as their ``x`` and their ``y``."""
    t = np.linspace(0, 1, 64)[:, np.newaxis]
    pieces = [(1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c for a, b, c in np.array(_pieces(control))]
    xs, ys = np.concatenate(pieces).T
    return xs, ys


def _pieces(control: Sequence[Point]) -> list[tuple[Point, Point, Point]]:
    """Split a B-spline into Bézier curves, which meet midway between its inner points."""
    inner = control[1:-1]
    joints = [((ax + bx) / 2, (ay + by) / 2) for (ax, ay), (bx, by) in pairwise(inner)]
    ends = [control[0], *joints, control[-1]]
    return [(start, bend, end) for (start, end), bend in zip(pairwise(ends), inner, strict=True)]


def tube(x: Scalars, y: Scalars, z: Scalars, control: Sequence[Point], *, radius: Scalars | float) -> Scalars:
    """Return the distance to a round bar bent along a curve in the plane z = 0; an array makes it taper."""
    return length(curve(x, y, control), z) - radius


def band(x: Scalars, y: Scalars, z: Scalars, control: Sequence[Point], *, radius: float, wide: float) -> Scalars:
    """Return the distance to a bar along a curve in z = 0, ``wide`` times as wide in z as it is thick."""
    return length(curve(x, y, control), z / wide) - radius
