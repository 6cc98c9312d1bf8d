"""The expected values are computed here pixel by pixel from the definitions, not by the code under test."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from smoke_tests.errors import PictureError
from smoke_tests.preprocessing import imagenet, inception, picture_from_bytes

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    picture.save(file, kind)
    return file.getvalue()


# A shorter side of 256 is not resized, so that the crop can be compared pixel by pixel; halves round to even.
@pytest.mark.parametrize(
    ("width", "height", "left", "top"),
    [(256, 256, 16, 16), (512, 256, 144, 16), (256, 300, 16, 38), (257, 256, 16, 16), (259, 256, 18, 16)],
)
def test_imagenet_crops_the_middle_and_normalises(width: int, height: int, left: int, top: int) -> None:
    picture = noise(width, height)
    tensor = imagenet(picture)
    assert tensor.dtype == np.float32
    assert tensor.shape == (3, 224, 224)
    assert tensor.flags.c_contiguous
    for row, column in [(0, 0), (0, 223), (223, 0), (100, 50)]:
        pixel = picture.getpixel((left + column, top + row))
        assert isinstance(pixel, tuple)
        expected = [(value / 255 - mean) / std for value, mean, std in zip(pixel, MEAN, STD, strict=True)]
        np.testing.assert_allclose(tensor[:, row, column], expected, atol=1e-6)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (100, 50), (333, 1000)])
def test_imagenet_resizes_the_shorter_side_to_256(width: int, height: int) -> None:
    picture = noise(width, height)
    scale = 256 / min(width, height)
    by_hand = picture.resize((int(width * scale), int(height * scale)), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(imagenet(picture), imagenet(by_hand))


def test_inception_scales_to_minus_one_to_one() -> None:
    picture = noise(224, 224)
    tensor = inception(picture)
    assert tensor.dtype == np.float32
    assert tensor.shape == (3, 224, 224)
    assert tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor.transpose(1, 2, 0), np.asarray(picture) / 127.5 - 1, atol=1e-6)


def test_inception_squashes_the_whole_picture() -> None:
    picture = Image.new("RGB", (448, 224), "black")
    picture.paste("white", (224, 0, 448, 224))
    tensor = inception(picture)
    assert (tensor[:, :, :111] == -1).all()
    assert (tensor[:, :, 113:] == 1).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_every_kind_of_picture_becomes_rgb(mode: str) -> None:
    picture = Image.new("RGB", (8, 8), (51, 51, 51)).convert(mode)
    read = picture_from_bytes(encoded(picture, "PNG"))
    assert (read.mode, read.getpixel((3, 3))) == ("RGB", (51, 51, 51))


def test_jpeg_is_read() -> None:
    assert picture_from_bytes(encoded(noise(16, 9), "JPEG")).size == (16, 9)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither PNG nor JPEG"),
        (b"<html>404</html>", "neither PNG nor JPEG"),
        (encoded(noise(64, 64), "GIF"), "neither PNG nor JPEG"),
        (encoded(noise(64, 64), "PNG")[:5000], "damaged"),
        (encoded(noise(64, 64), "JPEG")[:1000], "damaged"),
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        picture_from_bytes(data)
