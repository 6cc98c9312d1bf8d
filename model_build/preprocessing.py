"""The two preprocessings of the quick start's clients, from a picture to the model's input tensor."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from model_build.contract import IMAGE_SHAPE
from model_build.errors import InputsError

Tensor = NDArray[np.float32]

_SIDE: Final = IMAGE_SHAPE[1]
_RESIZED_SIDE: Final = 256
_IMAGENET_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD: Final = np.array([0.229, 0.224, 0.225], np.float32)


def picture_from_bytes(data: bytes, *, name: str) -> Image.Image:
    """Decode a PNG or JPEG to RGB.

    Raises:
        InputsError: the bytes are no picture, a damaged one, or an absurdly large one.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            return picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise InputsError(f"{name} is neither a PNG nor a JPEG ({len(data)} bytes)") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputsError(f"{name} cannot be decoded: {error}") from error


def imagenet_tensor_from_picture(picture: Image.Image) -> Tensor:
    """Preprocess as the quick start's Python client does, with torchvision's transforms.

    Resize(256) of the shorter side, CenterCrop(224), ToTensor, Normalize with ImageNet's mean and deviation.

    Returns:
        float32 (3, 224, 224), C order, RGB.
    """
    short = min(picture.size)
    width, height = (_RESIZED_SIDE if side == short else int(_RESIZED_SIDE * side / short) for side in picture.size)
    resized = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - _SIDE) / 2), round((height - _SIDE) / 2)
    pixels = np.asarray(resized.crop((left, top, left + _SIDE, top + _SIDE)), np.float32)
    return _planes((pixels / np.float32(255) - _IMAGENET_MEAN) / _IMAGENET_STD)


def inception_tensor_from_picture(picture: Image.Image) -> Tensor:
    """Preprocess as the quick start's ``image_client -s INCEPTION`` does.

    The whole picture is squashed to 224 by 224 and scaled to [-1, 1].

    Returns:
        float32 (3, 224, 224), C order, RGB.
    """
    resized = picture.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    return _planes(np.asarray(resized, np.float32) / np.float32(127.5) - np.float32(1))


PREPROCESSINGS: Final = {
    "imagenet": imagenet_tensor_from_picture,
    "inception": inception_tensor_from_picture,
}


def _planes(pixels: Tensor) -> Tensor:
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
