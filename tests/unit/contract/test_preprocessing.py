"""The expected values are computed here pixel by pixel from the definitions, not by the code under test."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contract.errors import PreprocessingError
from contract.packages import PACKAGES
from contract.pictures import tensor_from_picture
from contract.preprocessing import NAMED, preprocessing_from_value

SHAPE = (3, 224, 224)
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def tensor(picture: Image.Image, value: object, shape: tuple[int, int, int] = SHAPE) -> Any:
    made = tensor_from_picture(picture, preprocessing_from_value(value, shape))
    assert made.dtype == np.float32
    assert made.shape == shape
    assert made.flags.c_contiguous
    return made


def refusal(value: object, shape: tuple[int, int, int] = SHAPE) -> str:
    with pytest.raises(PreprocessingError) as caught:
        preprocessing_from_value(value, shape)
    said = str(caught.value)
    assert "\n" not in said
    assert "; accepted: " in said
    return said


# A shorter side of 256 is not resized, so that the crop can be compared pixel by pixel; halves round to even.
@pytest.mark.parametrize(
    ("width", "height", "left", "top"),
    [(256, 256, 16, 16), (512, 256, 144, 16), (256, 300, 16, 38), (257, 256, 16, 16), (259, 256, 18, 16)],
)
def test_imagenet_crops_the_middle_and_normalises_as_torchvision_does(
    width: int, height: int, left: int, top: int
) -> None:
    picture = noise(width, height)
    found = tensor(picture, "imagenet")
    for row, column in [(0, 0), (0, 223), (223, 0), (100, 50)]:
        pixel: Any = picture.getpixel((left + column, top + row))
        expected = [(value / 255 - mean) / std for value, mean, std in zip(pixel, MEAN, STD, strict=True)]
        np.testing.assert_allclose(found[:, row, column], expected, atol=1e-6)


def test_imagenet_of_white_is_torchvisions() -> None:
    planes = tensor(Image.new("RGB", (400, 300), "white"), "imagenet").reshape(3, -1)
    np.testing.assert_allclose(planes.max(axis=1), [2.2489083, 2.4285715, 2.64], rtol=1e-6)
    np.testing.assert_array_equal(planes.min(axis=1), planes.max(axis=1))


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (100, 50), (333, 1000)])
def test_imagenet_resizes_the_shorter_side_and_cuts_a_fraction_of_the_longer(width: int, height: int) -> None:
    picture = noise(width, height)
    scale = 256 / min(width, height)
    by_hand = picture.resize((int(width * scale), int(height * scale)), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(tensor(picture, "imagenet"), tensor(by_hand, "imagenet"))


@pytest.mark.parametrize(("side", "resize"), [(224, 256), (299, 342), (320, 366), (112, 128)])
def test_the_resize_of_a_named_one_grows_with_the_model(side: int, resize: int) -> None:
    shape = (3, side, side)
    assert preprocessing_from_value("imagenet", shape).resize == (resize,)
    picture, left = noise(resize, resize), round((resize - side) / 2)
    pixel: Any = picture.getpixel((left + 7, left + 5))
    expected = [(value / 255 - mean) / std for value, mean, std in zip(pixel, MEAN, STD, strict=True)]
    np.testing.assert_allclose(tensor(picture, "imagenet", shape)[:, 5, 7], expected, atol=1e-6)


@pytest.mark.parametrize("side", [224, 299])
def test_inception_scales_to_minus_one_to_one(side: int) -> None:
    picture = noise(side, side)
    found = tensor(picture, "inception", (3, side, side))
    np.testing.assert_allclose(found.transpose(1, 2, 0), np.asarray(picture) / 127.5 - 1, atol=1e-6)


def test_imagenet_crops_the_middle_and_inception_squashes_the_whole() -> None:
    picture = Image.new("RGB", (1024, 256))
    picture.paste((255, 255, 255), (384, 0, 640, 256))
    assert np.ptp(tensor(picture, "imagenet")[0, :, 20:-20]) == 0
    squashed = tensor(picture, "inception")
    assert (squashed.min(), squashed.max()) == (-1, 1)
    assert (squashed[:, :, :80] == -1).all()
    assert (squashed[:, :, 90:134] == 1).all()


def test_caffe_is_blue_first_and_takes_the_mean_of_each() -> None:
    found = tensor(Image.new("RGB", (300, 300), (200, 100, 50)), "caffe")
    np.testing.assert_allclose(found[:, 0, 0], [50 - 103.939, 100 - 116.779, 200 - 123.68], atol=1e-4)
    assert np.ptp(found.reshape(3, -1), axis=1).tolist() == [0, 0, 0]


def test_one_channel_is_the_brightness() -> None:
    shape = (1, 32, 32)
    found = tensor(Image.new("RGB", (64, 64), (255, 0, 0)), {"scale": 1 / 255, "mean": 0.5, "std": 0.5}, shape)
    np.testing.assert_allclose(found, (76 / 255 - 0.5) / 0.5, atol=1e-6)
    assert (tensor(Image.new("RGB", (64, 64), "white"), "inception", shape) == 1).all()


def test_a_model_may_be_wider_than_high() -> None:
    picture = noise(320, 160)
    found = tensor(picture, {}, (3, 160, 320))
    np.testing.assert_array_equal(found.transpose(1, 2, 0), np.asarray(picture, np.float32))


def test_a_square_picture_still_fills_a_model_that_is_wider_than_high() -> None:
    assert (tensor(Image.new("RGB", (500, 500), "white"), {"resize": 320}, (3, 160, 320)) == 255).all()
    assert (tensor(Image.new("RGB", (50, 500), "white"), "imagenet", (3, 160, 320)) > 2).all()


def test_a_pair_of_resize_is_height_and_width() -> None:
    picture = Image.new("RGB", (100, 100))
    picture.paste((255, 255, 255), (50, 0, 100, 100))
    found = tensor(picture, {"resize": [64, 128]}, (3, 64, 64))[0]
    # the picture is 128 wide now, and the middle 64 are left: the edge lies at 32
    assert found[:, :30].max() == 0
    assert found[:, 34:].min() == 255


def test_scale_comes_before_mean_and_mean_before_std() -> None:
    found = tensor(Image.new("RGB", (8, 8), (10, 20, 30)), {"scale": 2, "mean": [1, 2, 3], "std": [1, 2, 4]}, (3, 8, 8))
    assert found[:, 0, 0].tolist() == [19, 19, 14.25]


def test_everything_has_a_default() -> None:
    assert preprocessing_from_value({}, (3, 4, 5)).document() == {
        "resize": [4, 5],
        "crop": [4, 5],
        "scale": 1.0,
        "mean": [0.0, 0.0, 0.0],
        "std": [1.0, 1.0, 1.0],
        "channels": "rgb",
    }


@pytest.mark.parametrize("shape", [(3, 224, 224), (3, 299, 320), (1, 28, 28)])
@pytest.mark.parametrize(
    "value", [*NAMED, {}, {"resize": 500}, {"resize": [400, 333], "std": 0.25, "mean": -1}, {"scale": 1e-3}]
)
def test_a_document_is_read_as_it_was_written(value: object, shape: tuple[int, int, int]) -> None:
    if shape[0] == 1 and value in ("imagenet", "caffe"):
        assert "one channel" in refusal(value, shape)
        return
    preprocessing = preprocessing_from_value(value, shape)
    assert preprocessing.shape == shape
    assert preprocessing_from_value(json.loads(json.dumps(preprocessing.document())), shape) == preprocessing


@pytest.mark.parametrize("model", PACKAGES.values(), ids=PACKAGES)
def test_each_packaged_model_has_a_preprocessing_that_fits_it(model: Any) -> None:
    preprocessing = preprocessing_from_value(model.preprocessing, (3, model.side, model.side))
    assert preprocessing.resize == (model.side + 32,)
    assert (preprocessing.mean, preprocessing.std) == ((127,) * 3, (128,) * 3)


NAMES = "imagenet, inception, caffe, or an object with resize, crop, scale, mean, std, channels"
NUMBERS = "a number, or 3, one for each of the model's channels"
FINITE = "numbers with which no value of 0 to 255 leaves single precision"
PIXELS = "a number of pixels, 1 to 16384, or [height, width]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("vgg", f'preprocessing is "vgg"; accepted: {NAMES}'),
        (None, f"preprocessing is null; accepted: {NAMES}"),
        ([1], f"preprocessing is [1]; accepted: {NAMES}"),
        ({"size": 3}, "preprocessing.size is not a key; accepted: resize, crop, scale, mean, std, channels"),
        ({"resize": 0}, f"preprocessing.resize is 0; accepted: {PIXELS}"),
        ({"resize": 16385}, f"preprocessing.resize is 16385; accepted: {PIXELS}"),
        ({"resize": 256.5}, f"preprocessing.resize is 256.5; accepted: {PIXELS}"),
        ({"resize": True}, f"preprocessing.resize is true; accepted: {PIXELS}"),
        ({"resize": "256"}, f'preprocessing.resize is "256"; accepted: {PIXELS}'),
        ({"resize": []}, f"preprocessing.resize is []; accepted: {PIXELS}"),
        ({"resize": [1, 2, 3]}, f"preprocessing.resize is [1, 2, 3]; accepted: {PIXELS}"),
        (
            {"resize": 223},
            "preprocessing.resize is [223]; accepted: 224 or more, so that the model's 224x224 fits in",
        ),
        (
            {"resize": [300, 200]},
            "preprocessing.resize is [300, 200]; accepted: 224 or more, so that the model's 224x224 fits in",
        ),
        ({"crop": 200}, "preprocessing.crop is [200, 200]; accepted: [224, 224], the model's height and width"),
        ({"crop": "all"}, f'preprocessing.crop is "all"; accepted: {PIXELS}'),
        ({"scale": 0}, "preprocessing.scale is 0; accepted: numbers other than 0"),
        ({"scale": [1, 1, 1]}, "preprocessing.scale is [1, 1, 1]; accepted: a number"),
        ({"scale": 1e308}, f"preprocessing.scale is 1e+308; accepted: {FINITE}"),
        ({"mean": [0, 1e39, 0]}, f"preprocessing.mean is [0, 1e+39, 0]; accepted: {FINITE}"),
        ({"std": 1e-45}, f"preprocessing.std is 1e-45; accepted: {FINITE}"),
        ({"scale": 1e30, "std": [1, 1, 1e-30]}, f"preprocessing.std is [1, 1, 1e-30]; accepted: {FINITE}"),
        ({"std": [1, 0, 1]}, "preprocessing.std is [1, 0, 1]; accepted: numbers other than 0"),
        ({"std": [1, 2]}, f"preprocessing.std is [1, 2]; accepted: {NUMBERS}"),
        ({"std": None}, f"preprocessing.std is null; accepted: {NUMBERS}"),
        ({"mean": "0.5"}, f'preprocessing.mean is "0.5"; accepted: {NUMBERS}'),
        ({"mean": float("nan")}, f"preprocessing.mean is NaN; accepted: {NUMBERS}"),
        ({"mean": False}, f"preprocessing.mean is false; accepted: {NUMBERS}"),
        ({"channels": "gbr"}, 'preprocessing.channels is "gbr"; accepted: rgb or bgr'),
        ({"channels": ["rgb"]}, 'preprocessing.channels is ["rgb"]; accepted: rgb or bgr'),
    ],
)
def test_a_refusal_names_the_key_and_what_is_accepted(value: object, said: str) -> None:
    assert refusal(value) == said


@pytest.mark.parametrize("value", [{"scale": 1e36}, {"mean": -1e38}, {"std": 1e-35}, {"scale": 1e-320}])
def test_what_is_accepted_makes_finite_numbers(value: dict[str, float]) -> None:
    for colour in ("black", "white"):
        assert np.isfinite(tensor(Image.new("RGB", (4, 4), colour), value, (3, 4, 4))).all()


def test_a_number_that_no_float_holds_is_refused() -> None:
    said = refusal({"mean": 10**400})
    assert said.startswith("preprocessing.mean is 1000")
    assert len(said) < 200


def test_a_model_of_one_channel_has_one_number_and_no_order() -> None:
    shape = (1, 28, 28)
    assert refusal({"channels": "bgr"}, shape).endswith("accepted: rgb, or nothing: the model has one channel")
    assert refusal({"mean": [1, 2, 3]}, shape).endswith("accepted: a number, for the model has one channel")
