from itertools import combinations

import numpy as np
from PIL import Image

from model_build.comparison_pictures import comparison_pictures


def two_sided(left: tuple[int, int, int], right: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGB", (320, 300), left)
    picture.paste(right, (160, 0, 320, 300))
    return picture


def test_each_expected_picture_comes_first_mirrored_and_with_other_colours() -> None:
    expected = [two_sided((250, 20, 10), (10, 20, 200)), two_sided((1, 2, 3), (4, 5, 6))]
    pictures = comparison_pictures(expected)
    assert list(pictures) == [
        "expected picture 1",
        "expected picture 1, mirrored",
        "expected picture 1, red and blue exchanged",
        "expected picture 2",
        "expected picture 2, mirrored",
        "expected picture 2, red and blue exchanged",
        "noise",
        "blobs",
        "a gradient",
        "stripes",
    ]
    first, mirrored, exchanged = (pictures[name].getpixel((0, 0)) for name in list(pictures)[:3])
    assert (first, mirrored, exchanged) == ((250, 20, 10), (10, 20, 200), (10, 20, 250))


def test_they_are_in_colour_unlike_each_other_and_the_same_each_time() -> None:
    drawn, again = (list(comparison_pictures([]).values()) for _ in range(2))
    pixels = [np.asarray(picture, np.float32) for picture in drawn]
    assert [picture.mode for picture in drawn] == ["RGB"] * 4
    assert [picture.tobytes() for picture in drawn] == [picture.tobytes() for picture in again]
    assert min(np.abs(each - each[:, :, ::-1]).mean() for each in pixels) > 10
    assert min(np.abs(one - other).mean() for one, other in combinations(pixels, 2)) > 20
