"""The two preprocessings of the quick start's clients, from a picture to a tensor."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from smoke_tests.errors import PictureError

SIDE = 224
RESIZED_SIDE = 256
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)

Tensor = NDArray[np.float32]


def picture_from_bytes(data: bytes) -> Image.Image:
    """Decode a PNG or JPEG file as RGB.

    Raises:
        PictureError: the bytes are no such file, or a damaged one.
    """
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            return image.convert("RGB")
    except UnidentifiedImageError:
        raise PictureError("neither PNG nor JPEG") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"damaged: {error}") from None


def imagenet(picture: Image.Image) -> Tensor:
    """Prepare a picture as the quick start's Python client does.

    The shorter side is resized to 256 (bilinear), the middle 224x224 cropped, and each channel normalised by
    ImageNet's mean and standard deviation: torchvision's ``Resize(256)``, ``CenterCrop(224)``,
    ``ToTensor()`` and ``Normalize()``.

    Args:
        picture: RGB, any size.

    Returns:
        float32 (3, 224, 224), CHW, RGB, contiguous.
    """
    width, height = picture.size
    shorter = min(width, height)
    size = (int(RESIZED_SIDE * width / shorter), int(RESIZED_SIDE * height / shorter))
    resized = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = (round((side - SIDE) / 2) for side in size)
    cropped = resized.crop((left, top, left + SIDE, top + SIDE))
    scaled = np.asarray(cropped, dtype=np.float32) / np.float32(255)
    return _chw((scaled - IMAGENET_MEAN) / IMAGENET_STD)


def inception(picture: Image.Image) -> Tensor:
    """Prepare a picture as ``image_client -s INCEPTION`` does.

    The whole picture is squashed to 224x224 (bilinear) and scaled to -1…1.

    Args:
        picture: RGB, any size.

    Returns:
        float32 (3, 224, 224), CHW, RGB, contiguous.
    """
    resized = picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return _chw(np.asarray(resized, dtype=np.float32) / np.float32(127.5) - np.float32(1))


def _chw(pixels: Tensor) -> Tensor:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
