"""The pictures that models are compared on: the expected ones, and some that no colour, place or row can hide in."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_SIDE = 320
_PIXELS = NDArray[np.uint8]


def comparison_pictures(expected: Sequence[Image.Image]) -> Mapping[str, Image.Image]:
    """Return pictures unlike each other, by the names that an error shows, the expected ones first.

    Real pictures alone are not enough: many are nearly grey, and then a model that swaps red and blue hardly differs.

    Args:
        expected: RGB.
    """
    pictures: dict[str, Image.Image] = {}
    for position, picture in enumerate(expected, 1):
        pictures[f"expected picture {position}"] = picture
        pictures[f"expected picture {position}, mirrored"] = ImageOps.mirror(picture)
        pictures[f"expected picture {position}, red and blue exchanged"] = _recoloured(picture)
    return {**pictures, **_drawn_pictures()}


def _recoloured(picture: Image.Image) -> Image.Image:
    red, green, blue = picture.split()
    return Image.merge("RGB", (blue, green, red))


def _drawn_pictures() -> Mapping[str, Image.Image]:
    """Return noise, blobs, a gradient and stripes in strong colours, the same on every machine."""
    random = np.random.default_rng(11)
    ramp = np.linspace(0, 1, _SIDE)
    tint = random.uniform(0.2, 1, 3)
    stripes = np.sin(ramp * 40)[np.newaxis, :, np.newaxis] * 0.4 + 0.5 + random.normal(0, 0.05, (_SIDE, _SIDE, 3))
    gradient = np.stack([*np.broadcast_arrays(ramp[:, np.newaxis], ramp[np.newaxis, :], 0.2)], axis=-1)
    blobs = Image.fromarray(_pixels(random.uniform(0, 1, (5, 5, 3)))).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return {
        "noise": Image.fromarray(_pixels(random.uniform(0, 1, (_SIDE, _SIDE, 3)) * tint)),
        "blobs": blobs,
        "a gradient": Image.fromarray(_pixels(gradient)),
        "stripes": Image.fromarray(_pixels(stripes * (0.3, 0.9, 0.6))),
    }


def _pixels(values: NDArray[np.float64]) -> _PIXELS:
    return (values.clip(0, 1) * 255).astype(np.uint8)
