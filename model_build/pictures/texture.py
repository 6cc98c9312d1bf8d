"""Patterns on a table's top, made of numbers alone.

A pattern says how bright the table's colour is at each place. Detail finer than what a ray can resolve fades
into its mean, so that a distant table neither flickers nor shows rings.
"""

from typing import Protocol

import numpy as np

from model_build.pictures.vector import Scalars

_PLANK_CM = 6.5
_CHECK_CM = 2.4


class Texture(Protocol):
    """A pattern over the table's plane."""

    def __call__(self, x: Scalars, z: Scalars, blur: Scalars) -> Scalars:
        """Return the brightness, about 1 in the mean, at each place.

        Args:
            x: first coordinate on the table, centimetres, shape (N,).
            z: second coordinate, likewise.
            blur: width of what the ray sees of the table, centimetres, shape (N,).
        """


def plain(x: Scalars, z: Scalars, blur: Scalars) -> Scalars:
    """Lacquer or felt: the same everywhere."""
    del z, blur
    return np.ones_like(x)


def wood(x: Scalars, z: Scalars, blur: Scalars) -> Scalars:
    """Planks along x, each with its own tint and grain, dark in the gaps between them."""
    plank = np.floor(z / _PLANK_CM)
    along = x + 40 * _lattice(plank, np.zeros_like(plank), seed=1)
    wander = 1.5 * _noise(along / 14, z / 4, seed=2)
    grain = np.zeros_like(x)
    for seed, (weight, per_cm) in enumerate([(0.30, 0.7), (0.22, 1.9), (0.16, 4.5)], start=3):
        fibre = _noise(along * per_cm / 12, (z + wander) * per_cm, seed=seed)
        grain += weight * _resolved(per_cm, blur) * (fibre - 0.5)
    tint = 0.22 * _resolved(1 / _PLANK_CM, blur) * (_lattice(plank, np.ones_like(plank), seed=6) - 0.5)
    to_gap = _PLANK_CM / 2 - np.abs(z - (plank + 0.5) * _PLANK_CM)
    gap = 0.5 * np.clip(1 - to_gap / 0.06, 0, 1) * _resolved(4, blur)
    brightness: Scalars = (1 + tint + grain) * (1 - gap)
    return brightness


def gingham(x: Scalars, z: Scalars, blur: Scalars) -> Scalars:
    """Woven checks, bright, half dark and dark."""
    clear = _resolved(1 / _CHECK_CM, blur)
    stripes = np.floor(x / _CHECK_CM) % 2 + np.floor(z / _CHECK_CM) % 2
    brightness: Scalars = 1 + 0.4 * clear * (1 - stripes)
    return brightness


def _resolved(per_cm: float, blur: Scalars) -> Scalars:
    """Return how much of a detail, so many to a centimetre, is left under a blur, 0 to 1."""
    kept: Scalars = 1 / (1 + (1.5 * per_cm * blur) ** 4)
    return kept


def _noise(x: Scalars, y: Scalars, *, seed: int) -> Scalars:
    """Return smooth noise, 0 to 1, with features about 1 wide."""
    left, low = np.floor(x), np.floor(y)
    u, v = x - left, y - low
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    below = _lattice(left, low, seed=seed) * (1 - u) + _lattice(left + 1, low, seed=seed) * u
    above = _lattice(left, low + 1, seed=seed) * (1 - u) + _lattice(left + 1, low + 1, seed=seed) * u
    return below * (1 - v) + above * v


def _lattice(column: Scalars, row: Scalars, *, seed: int) -> Scalars:
    """Return a number, 0 to 1, that belongs to each whole-numbered place: the same on every machine."""
    bits = (column.astype(np.int64) * 374761393).astype(np.uint32)
    bits += (row.astype(np.int64) * 668265263).astype(np.uint32) + np.uint32(seed * 974634777 & 0xFFFFFFFF)
    bits = (bits ^ (bits >> np.uint32(15))) * np.uint32(2246822519)
    bits = (bits ^ (bits >> np.uint32(13))) * np.uint32(3266489917)
    bits ^= bits >> np.uint32(16)
    return bits / np.float64(2**32)
