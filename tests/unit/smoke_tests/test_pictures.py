"""Pictures as people have them, and where they are fetched from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value
from smoke_tests import pictures
from smoke_tests.errors import OptionError
from smoke_tests.pictures import Picture

INCEPTION = preprocessing_from_value("inception", (3, 8, 8))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "densenet-triton" / "pictures"


@pytest.fixture
def mug(tmp_path: Path) -> Path:
    path = tmp_path / "a mug.png"
    Image.new("RGB", (8, 8), "blue").save(path)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_picture_of_a_url_is_fetched_once_and_called_by_its_last_part(mug: Path, cache: Path) -> None:
    url, sha256 = f"{mug.as_uri()}#sha256={digest(mug)}", digest(mug)
    assert Picture.from_option(url, option="--image").name == "a mug.png"
    assert [path.name for path in cache.iterdir()] == [sha256]
    mug.unlink()
    picture = Picture.from_option(url, option="--image")
    assert (picture.sha256, picture.image.size) == (sha256, (8, 8))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("{mug}", "does not say its bytes' digest; accepted: a file, or https://host/file#sha256=<64 hex digits>"),
        ("{mug}#sha256=abc", "does not say its bytes' digest; accepted: "),
        ("{mug}#sha256={other}", "has sha256 "),
        ("{mug}.jpg#sha256={other}", "No such file"),
        ("http://host/mug.png#sha256={other}", "http://host/mug.png is no URL that is fetched; accepted: https://"),
        ("https://me:secret@host/mug.png#sha256={other}", "https://host/mug.png carries a user or a password"),
        ("https://127.0.0.1:1/mug.png?sig=secret#sha256={other}", "https://127.0.0.1:1/mug.png?… does not answer: "),
    ],
)
def test_url_that_gives_no_such_picture_is_one_line(url: str, said: str, mug: Path) -> None:
    with pytest.raises(OptionError) as refusal:
        Picture.from_option(url.format(mug=mug.as_uri(), other="0" * 64), option="--other-image")
    text = str(refusal.value)
    assert text.startswith("--other-image ")
    assert said in text
    assert "secret" not in text
    assert "\n" not in text


def test_picture_that_is_too_large_is_not_fetched(mug: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGEST_BYTES", 10)
    with pytest.raises(OptionError, match=r"^--image file://.+ is larger than 10 bytes; accepted: "):
        Picture.from_option(f"{mug.as_uri()}#sha256={digest(mug)}", option="--image")
    assert list(cache.iterdir()) == []


def test_cache_that_can_not_be_written_is_one_line(mug: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(
        OptionError, match=r"^--image file://.+ cannot be kept in .+: Not a directory; .+XDG_CACHE_HOME"
    ):
        Picture.from_option(f"{mug.as_uri()}#sha256={digest(mug)}", option="--image")


def test_transparent_palette_and_rotated_photo_are_seen_as_a_browser_shows_them(tmp_path: Path) -> None:
    palette, photo = tmp_path / "palette.png", tmp_path / "photo.jpg"
    see_through = Image.new("P", (8, 8), 0)
    see_through.putpalette([255, 0, 0])
    see_through.save(palette, transparency=0)
    lying = Image.new("RGB", (16, 8), "black")
    lying.paste("white", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    lying.save(photo, exif=exif, quality=100)
    for path, expected in ((palette, np.ones((8, 8))), (photo, np.repeat([[1.0], [-1.0]], 4, axis=0) * np.ones(8))):
        picture = Picture.from_option(str(path), option="--image")
        tensor = tensor_from_picture(picture.image, INCEPTION)
        np.testing.assert_allclose(tensor[:, [0, 7]], np.stack([expected[[0, 7]]] * 3), atol=0.02)
        built = tensor_from_picture(picture_from_bytes(path.read_bytes(), name="the build's"), INCEPTION)
        np.testing.assert_array_equal(tensor, built)
