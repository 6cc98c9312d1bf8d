"""Pictures from scenes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model_build.pictures.scene import Scene
from model_build.pictures.trace import Tracer
from model_build.pictures.vector import Mask, Scalars, Vectors

_RAYS_AT_ONCE = 1 << 15
_BOUNCES = 2
_EDGE_STEP = 0.04
_EDGE_RAYS = 4
_VIGNETTE = 0.07
_SRGB_KNEE = 0.0031308


def image_from_scene(scene: Scene, size: int) -> Image.Image:
    """Render a scene.

    Each pixel is seen by a ray through its middle, and those that differ from a neighbour by a grid of rays.
    The bytes are the same each time on one machine; another's arithmetic may change a pixel by 1 of 255.

    Args:
        scene: what to show.
        size: width and height of the picture, pixels.

    Returns:
        An RGB picture.
    """
    middles = (np.arange(size) + 0.5) / size * 2 - 1
    across, up = (grid.ravel() for grid in np.meshgrid(middles, -middles))
    shown = _shown(scene, across, up, pixel=2 / size)
    rough = np.flatnonzero(_differs(shown.reshape(size, size, 3)))
    offsets = ((np.arange(_EDGE_RAYS) + 0.5) / _EDGE_RAYS * 2 - 1) / size
    right, higher = (grid.ravel() for grid in np.meshgrid(offsets, offsets))
    fine_across, fine_up = across[rough, np.newaxis] + right, up[rough, np.newaxis] + higher
    fine = _shown(scene, fine_across.ravel(), fine_up.ravel(), pixel=2 / size)
    shown[rough] = fine.reshape(len(rough), _EDGE_RAYS**2, 3).mean(axis=1)
    return Image.fromarray(_srgb(shown.reshape(size, size, 3)))


def _shown(scene: Scene, across: Scalars, up: Scalars, *, pixel: float) -> Vectors:
    """Return what the developed film shows at these places of the picture, linear RGB, 0 to 1, shape (N, 3).

    ``across`` and ``up`` run from -1 to 1 over the picture; ``pixel`` is a pixel's width on that scale.
    """
    field = np.tan(np.radians(scene.camera.field_deg / 2))
    tracer = Tracer(scene=scene, ray_width=float(field * pixel))
    shown = np.empty((len(across), 3))
    for start in range(0, len(across), _RAYS_AT_ONCE):
        some = slice(start, start + _RAYS_AT_ONCE)
        origins, directions = scene.camera.rays(across[some], up[some])
        light = scene.exposure * tracer.radiance(origins, directions, bounces=_BOUNCES)
        corner = 1 - _VIGNETTE * (across[some] ** 2 + up[some] ** 2)
        shown[some] = _developed(light * corner[:, np.newaxis])
    return shown


def _differs(shown: NDArray[np.float64]) -> Mask:
    """Return which pixels of a picture, (size, size, 3), differ visibly from a neighbour, shape (size²,)."""
    seen = np.sqrt(shown)
    differs = np.zeros(shown.shape[:2], dtype=np.bool_)
    down = np.abs(np.diff(seen, axis=0)).max(axis=2) > _EDGE_STEP
    side = np.abs(np.diff(seen, axis=1)).max(axis=2) > _EDGE_STEP
    differs[1:] |= down
    differs[:-1] |= down
    differs[:, 1:] |= side
    differs[:, :-1] |= side
    return differs.ravel()


def _developed(light: Vectors) -> Vectors:
    """Return light as film shows it, 0 to 1, still linear: bright places roll off rather than clip.

    The curve is Krzysztof Narkowicz's fit of the Academy's, https://knarkowicz.wordpress.com/2016/01/06/.
    """
    light = 0.6 * light
    film = (light * (2.51 * light + 0.03)) / (light * (2.43 * light + 0.59) + 0.14)
    return np.clip(film, 0, 1)


def _srgb(linear: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return linear light, 0 to 1, as sRGB bytes."""
    encoded = np.where(linear <= _SRGB_KNEE, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)
