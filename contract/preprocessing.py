"""How a picture becomes a model's input: declared once, recorded in the manifest, and done by `contract.pictures`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.errors import PreprocessingError
from contract.fields import is_finite, shown
from contract.served import DEFAULT_SIDE, ImageShape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RGB = "rgb"
BGR = "bgr"
_ORDERS = (RGB, BGR)
LARGEST_SIDE = 16384
"""Of a picture that a model takes, or that is cropped to it, in pixels."""

_LARGEST_VALUE = 255
_LARGEST_SINGLE = 3.4028234663852886e38
_SMALLEST_SINGLE = 1.1754943508222875e-38
"""Single precision's, in which a model's input is computed."""
_KEYS = ("resize", "crop", "scale", "mean", "std", "channels")


@dataclass(frozen=True)
class Preprocessing:
    """A preprocessing that fits one model: resize (bilinear), crop the middle, then ``(value * scale - mean) / std``.

    Attributes:
        resize: one number: the shorter side becomes so long, and the picture keeps its form; two: the picture's
            height and width become these.
        crop: height and width of the middle that is left: the model's.
        scale: what a value of 0 to 255 is multiplied by.
        mean: what is taken from it then, one for each channel.
        std: what it is divided by at last, one for each channel.
        channels: ``rgb`` or ``bgr``, their order; of a model of one channel, the picture's brightness, ``rgb``.
    """

    resize: tuple[int, ...]
    crop: tuple[int, int]
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    channels: str

    @property
    def shape(self) -> ImageShape:
        """Channels, height and width of the tensor that it makes."""
        return (len(self.mean), *self.crop)

    @property
    def keeps_values(self) -> bool:
        """Whether it leaves a picture's own values, whole numbers of 0 to 255."""
        return self.scale == 1 and not any(self.mean) and set(self.std) == {1}

    def document(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        return {
            "resize": list(self.resize),
            "crop": list(self.crop),
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
            "channels": self.channels,
        }


NAMED: Mapping[str, Mapping[str, Any]] = {
    # torchvision's transforms of ImageNet, as the quick start's Python client has them
    "imagenet": {"resize": 256, "scale": 1 / 255, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    # `image_client -s INCEPTION`: the whole picture, its form lost, from -1 to 1
    "inception": {"scale": 1 / 127.5, "mean": 1, "std": 1},
    # the networks that were trained with Caffe: blue first, ImageNet's mean taken from values of 0 to 255
    "caffe": {"resize": 256, "scale": 1, "mean": [103.939, 116.779, 123.68], "std": 1, "channels": BGR},
}
"""The preprocessings that have a name; their ``resize`` is for a model of 224 pixels, and grows with the model."""

ACCEPTED = f"{', '.join(NAMED)}, or an object with {', '.join(_KEYS)}"


def preprocessing_from_value(value: object, shape: ImageShape) -> Preprocessing:
    """Read a preprocessing as a stack's file declares it, for a model of a shape.

    Args:
        value: a name, or an object. ``resize`` is a whole number or a pair, and without it the whole picture takes the
            model's size; ``crop`` is the model's size, and need not be said; ``mean`` and ``std`` are one number, or
            one for each channel; ``channels`` is ``rgb`` by default.
        shape: channels, height and width of the model's input.

    Raises:
        PreprocessingError: it cannot be read, or does not fit the model; names the key.
    """
    if isinstance(value, str):
        if value not in NAMED:
            raise PreprocessingError(f"preprocessing is {shown(value)}; accepted: {ACCEPTED}")
        named = dict(NAMED[value])
        if "resize" in named:
            named["resize"] = round(int(named["resize"]) * max(shape[1:]) / DEFAULT_SIDE)
        return _from_mapping(named, shape)
    if not isinstance(value, dict):
        raise PreprocessingError(f"preprocessing is {shown(value)}; accepted: {ACCEPTED}")
    unknown = [str(key) for key in value if key not in _KEYS]
    if unknown:
        raise PreprocessingError(f"preprocessing.{unknown[0]} is not a key; accepted: {', '.join(_KEYS)}")
    return _from_mapping(value, shape)


def _from_mapping(values: Mapping[str, Any], shape: ImageShape) -> Preprocessing:
    count, height, width = shape
    crop = _sides("crop", values.get("crop", [height, width]))
    crop = (crop[0], crop[-1])
    if crop != (height, width):
        raise _refusal("crop", list(crop), f"[{height}, {width}], the model's height and width")
    resize = _sides("resize", values.get("resize", list(crop)))
    if any(side < least for side, least in zip((resize[0], resize[-1]), crop)):
        raise _refusal("resize", list(resize), f"{max(crop)} or more, so that the model's {height}x{width} fits in")
    scale = _numbers("scale", values.get("scale", 1), 1)[0]
    mean, std = _numbers("mean", values.get("mean", 0), count), _numbers("std", values.get("std", 1), count)
    if not scale or not all(std):
        key = "std" if scale else "scale"
        raise _refusal(key, values.get(key), "numbers other than 0")
    endless = _endless(scale, mean, std)
    if endless:
        raise _refusal(endless, values.get(endless), "numbers with which no value of 0 to 255 leaves single precision")
    order = values.get("channels", RGB)
    if order not in _ORDERS:
        raise _refusal("channels", order, " or ".join(_ORDERS))
    if count == 1 and order != RGB:
        raise _refusal("channels", order, f"{RGB}, or nothing: the model has one channel")
    return Preprocessing(resize=resize, crop=crop, scale=scale, mean=mean, std=std, channels=order)


def _endless(scale: float, mean: Sequence[float], std: Sequence[float]) -> str | None:
    """The key of a number that makes infinity, or no number, of a picture's value."""
    scaled = abs(scale) * _LARGEST_VALUE
    if scaled > _LARGEST_SINGLE:
        return "scale"
    if any(scaled + abs(number) > _LARGEST_SINGLE for number in mean):
        return "mean"
    small = min(map(abs, std)) < _SMALLEST_SINGLE
    wide = any((scaled + abs(number)) / abs(by) > _LARGEST_SINGLE for number, by in zip(mean, std))
    return "std" if small or wide else None


def _sides(key: str, value: Any) -> tuple[int, ...]:
    sides = value if isinstance(value, list) else [value]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if len(sides) not in (1, 2) or not whole or not all(0 < side <= LARGEST_SIDE for side in sides):
        raise _refusal(key, value, f"a number of pixels, 1 to {LARGEST_SIDE}, or [height, width]")
    return tuple(sides)


def _numbers(key: str, value: Any, count: int) -> tuple[float, ...]:
    numbers: Sequence[Any] = value if isinstance(value, list) else [value]
    numeric = all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers)
    if not numeric or len(numbers) not in {1, count} or not all(map(is_finite, numbers)):
        several = f", or {count}, one for each of the model's channels" if count > 1 else ""
        single = ", for the model has one channel" if count == 1 and key != "scale" else ""
        raise _refusal(key, value, f"a number{several or single}")
    return tuple(float(number) for number in numbers) * (count // len(numbers))


def _refusal(key: str, value: object, accepted: str) -> PreprocessingError:
    return PreprocessingError(f"preprocessing.{key} is {shown(value)}; accepted: {accepted}")
