import numpy as np
import pytest

from model_build.pictures.texture import Texture, gingham, plain, wood
from model_build.pictures.vector import Scalars

_PLACES = np.meshgrid(np.linspace(-80, 80, 160), np.linspace(-80, 80, 160))


def _brightness(texture: Texture, blur: float) -> Scalars:
    x, z = (grid.ravel() for grid in _PLACES)
    return texture(x, z, np.full_like(x, blur))


@pytest.mark.parametrize("texture", [plain, wood, gingham])
def test_every_texture_is_about_as_bright_as_its_colour(texture: Texture) -> None:
    assert _brightness(texture, 0.01).mean() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("texture", [wood, gingham])
def test_detail_finer_than_a_ray_fades(texture: Texture) -> None:
    assert _brightness(texture, 50).std() < 0.5 * _brightness(texture, 0.01).std()


def test_wood_is_the_same_wood_on_every_machine() -> None:
    x, z = np.array([0.0, 12.3, -40.0]), np.array([1.0, 7.7, 55.5])
    np.testing.assert_allclose(wood(x, z, np.zeros(3)), [1.11506188, 0.93923514, 0.80081838], atol=1e-8)
