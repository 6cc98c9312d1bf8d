from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from model_build.preprocessing import (
    PREPROCESSINGS,
    Tensor,
    imagenet_tensor_from_picture,
    inception_tensor_from_picture,
)

WHITE = Image.new("RGB", (400, 300), (255, 255, 255))


def half_black_half_white(*, width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height))
    picture.paste((255, 255, 255), (width // 2, 0, width, height))
    return picture


@pytest.mark.parametrize("preprocess", PREPROCESSINGS.values())
@pytest.mark.parametrize("size", [(512, 512), (640, 256), (256, 640), (100, 80)])
def test_a_tensor_is_what_the_wire_wants(preprocess: Callable[[Image.Image], Tensor], size: tuple[int, int]) -> None:
    tensor = preprocess(Image.new("RGB", size, (10, 20, 30)))
    assert tensor.shape == (3, 224, 224)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous


def test_imagenet_normalises_each_plane() -> None:
    planes = imagenet_tensor_from_picture(WHITE).reshape(3, -1)
    np.testing.assert_allclose(planes.max(axis=1), [2.2489083, 2.4285715, 2.64], rtol=1e-6)
    np.testing.assert_array_equal(planes.min(axis=1), planes.max(axis=1))


def test_inception_scales_to_minus_one_and_one() -> None:
    tensor = inception_tensor_from_picture(half_black_half_white(width=448, height=448))
    assert tensor.min() == -1
    assert tensor.max() == 1


def test_imagenet_crops_the_centre_and_inception_squashes() -> None:
    picture = Image.new("RGB", (1024, 256))
    picture.paste((255, 255, 255), (384, 0, 640, 256))
    assert np.ptp(imagenet_tensor_from_picture(picture)[0, :, 20:-20]) == 0
    assert np.ptp(inception_tensor_from_picture(picture)) == 2


@pytest.mark.parametrize(("width", "left"), [(259, 18), (257, 16), (341, 58)])
def test_an_odd_margin_is_halved_as_torchvision_does(width: int, left: int) -> None:
    picture = Image.new("RGB", (width, 256))
    picture.paste((255, 0, 0), (left, 0, width, 256))
    red = imagenet_tensor_from_picture(picture)[0]
    assert red[0, 0] > 0
