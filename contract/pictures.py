"""Pictures as people have them, from a file's bytes to a model's input. The only module here that needs packages."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from contract.errors import PictureError
from contract.preprocessing import BGR, Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""What is read, by Pillow's names; of moving pictures the first one."""

LARGEST_PIXELS = 100_000_000
"""A picture of more is refused before it is decoded: 300 MB of memory as RGB."""

_ACCEPTED = f"a picture: {', '.join(FORMATS)}"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
_SIXTEEN_BITS = 257
"""65,535 / 255."""


def picture_from_bytes(data: bytes, *, name: str) -> Image.Image:
    """Decode a picture to RGB, upright, as a browser shows it: what is transparent is white.

    Args:
        data: the file's bytes.
        name: what errors call it.

    Raises:
        PictureError: the bytes are no picture, a damaged one, one that is too large, or in a form that is not read.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is decided here: large pictures, damaged metadata, transparency in a palette.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                _refuse_larger(picture, name)
                return _rgb(ImageOps.exif_transpose(picture), name)
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
            raise PictureError(f"{name} is HEIC or AVIF; accepted: {_ACCEPTED}; save it as JPEG") from error
        raise PictureError(
            f"{name} is no picture that can be read ({len(data)} bytes); accepted: {_ACCEPTED}"
        ) from error
    except PictureError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, which is looked at while a header is read
        raise PictureError(f"{name} is too large; accepted: {LARGEST_PIXELS} pixels, make it smaller") from error
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them stumble over
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"{name} cannot be decoded: {reason}; accepted: {_ACCEPTED}") from error


def tensor_from_picture(picture: Image.Image, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Make a model's input.

    Args:
        picture: RGB, any size.
        preprocessing: the model's.

    Returns:
        float32 (channels, height, width), C order, contiguous.

    Raises:
        PictureError: it is so long and narrow that it would be too large, once its shorter side is resized.
    """
    height, width = preprocessing.crop
    size = _size(picture.size, preprocessing)
    if size[0] * size[1] > LARGEST_PIXELS:
        raise PictureError(
            f"a picture of {picture.width}x{picture.height} pixels would be resized to {size[0]}x{size[1]}; "
            f"accepted: {LARGEST_PIXELS} altogether, cut it to what is to be seen"
        )
    resized = picture.resize(size, Image.Resampling.BILINEAR)
    left, top = round((resized.width - width) / 2), round((resized.height - height) / 2)
    cropped = resized.crop((left, top, left + width, top + height))
    if len(preprocessing.mean) == 1:
        values: NDArray[Any] = np.asarray(cropped.convert("L"), np.float32)[:, :, np.newaxis]
    else:
        values = np.asarray(cropped, np.float32)
    if preprocessing.channels == BGR:
        values = values[:, :, ::-1]
    mean, std = np.array(preprocessing.mean, np.float32), np.array(preprocessing.std, np.float32)
    scaled = (values * np.float32(preprocessing.scale) - mean) / std
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32)


def _size(size: tuple[int, int], preprocessing: Preprocessing) -> tuple[int, int]:
    """Width and height of the resized picture; the longer side is cut off as torchvision does."""
    side, *width = preprocessing.resize
    if width:
        return width[0], side
    short = min(size)
    wide, high = (side if length == short else int(side * length / short) for length in size)
    return wide, high


def _refuse_larger(picture: Image.Image, name: str) -> None:
    width, height = picture.size
    if width * height > LARGEST_PIXELS:
        raise PictureError(
            f"{name} has {width}x{height} pixels; accepted: {LARGEST_PIXELS} altogether, make it smaller"
        )


def _rgb(picture: Image.Image, name: str) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip at 255
        grey = np.array(picture, np.int64)
        if grey.min() < 0 or grey.max() > np.iinfo(np.uint16).max:
            raise PictureError(f"{name} has more than 16 bits a pixel; accepted: at most 16")
        grey[grey == picture.info.get("transparency")] = np.iinfo(np.uint16).max
        return Image.fromarray((grey // _SIXTEEN_BITS).astype(np.uint8)).convert("RGB")
    if picture.mode == "F":
        raise PictureError(f"{name} has floating-point pixels; accepted: 8 or 16 bits a channel")
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return picture.convert("RGB")
