"""Each form that people have their pictures in becomes an upright RGB picture, or one line that says why not."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from contract.errors import PictureError
from contract.pictures import LARGEST_PIXELS, picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value

ACCEPTED = "accepted: a picture: PNG, JPEG, WEBP, GIF, BMP, TIFF"
COLOURS = ((200, 40, 30), (30, 180, 60), (40, 60, 210), (240, 220, 50))
WIDTH, HEIGHT = 64, 48
ORIENTATION = 0x0112
CASE = Path(__file__).resolve().parents[4] / "shared" / "cases" / "palette_transparent.png"
GREY_16 = Image.fromarray((np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 20).astype(np.uint16))


def corners(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Return a picture whose four quarters have four colours, so that each turn of it shows."""
    picture = Image.new("RGB", (width, height), COLOURS[0])
    picture.paste(COLOURS[1], (width // 2, 0, width, height // 2))
    picture.paste(COLOURS[2], (0, height // 2, width // 2, height))
    picture.paste(COLOURS[3], (width // 2, height // 2, width, height))
    return picture


def half_seen(mode: str = "RGBA") -> Image.Image:
    """Return the corners, the upper half opaque and the lower one transparent."""
    picture = corners().convert("RGBA")
    alpha = Image.new("L", picture.size, 0)
    alpha.paste(255, (0, 0, WIDTH, HEIGHT // 2))
    picture.putalpha(alpha)
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, depth: int, colour: int, rows: bytes) -> bytes:
    """Return a PNG of whatever depth and colour type, which Pillow does not write."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def colours_of(picture: Image.Image) -> list[Any]:
    """Return the colours in the middle of the four quarters."""
    across, down = (picture.width // 4, picture.width * 3 // 4), (picture.height // 4, picture.height * 3 // 4)
    return [picture.getpixel((x, y)) for y in down for x in across]


def read(data: bytes) -> Image.Image:
    picture = picture_from_bytes(data, name="mug.png")
    assert picture.mode == "RGB"
    return picture


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as caught:
        picture_from_bytes(data, name="mug.png")
    said = str(caught.value)
    assert said.startswith("mug.png ")
    assert "accepted: " in said
    assert "\n" not in said
    return said


def moving(kind: str, **options: Any) -> bytes:
    """Return a file of two pictures, the second one black."""
    first = corners().quantize(8) if kind == "GIF" else corners()
    return encoded(first, kind, save_all=True, append_images=[Image.new("RGB", (WIDTH, HEIGHT))], **options)


IN_COLOUR = {
    "PNG": encoded(corners(), "PNG"),
    "PNG, palette": encoded(corners().quantize(8), "PNG"),
    "PNG, RGBA": encoded(corners().convert("RGBA"), "PNG"),
    "PNG, a transparent colour that is not there": encoded(corners(), "PNG", transparency=(1, 2, 3)),
    "JPEG": encoded(corners(), "JPEG", quality=95),
    "JPEG, progressive": encoded(corners(), "JPEG", quality=95, progressive=True),
    "JPEG, CMYK": encoded(corners().convert("CMYK"), "JPEG", quality=95),
    "WebP, lossy": encoded(corners(), "WEBP", quality=95),
    "WebP, lossless": encoded(corners(), "WEBP", lossless=True),
    "WebP, alpha": encoded(corners().convert("RGBA"), "WEBP", quality=95),
    "GIF": encoded(corners().quantize(8), "GIF"),
    "BMP": encoded(corners(), "BMP"),
    "TIFF": encoded(corners(), "TIFF"),
    "TIFF, deflated": encoded(corners(), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, CMYK": encoded(corners().convert("CMYK"), "TIFF"),
    "TIFF, YCbCr": encoded(corners().convert("YCbCr"), "TIFF"),
}
"""By its form, the picture of `corners`."""

SEVERAL = {
    "PNG, animated": moving("PNG"),
    "JPEG, several of a phone": moving("MPO", quality=95),
    "WebP, animated": moving("WEBP", quality=95),
    "GIF, animated": moving("GIF"),
    "TIFF, several pages": moving("TIFF"),
}
"""Likewise, as the first of two pictures."""


@pytest.mark.parametrize("data", [*IN_COLOUR.values(), *SEVERAL.values()], ids=[*IN_COLOUR, *SEVERAL])
def test_a_picture_in_colour_is_itself_in_every_form(data: bytes) -> None:
    picture = read(data)
    assert picture.size == (WIDTH, HEIGHT)
    np.testing.assert_allclose(colours_of(picture), COLOURS, atol=12)


@pytest.mark.parametrize("data", IN_COLOUR.values(), ids=IN_COLOUR)
def test_half_a_file_is_refused(data: bytes) -> None:
    refusal(data[: len(data) // 2])


@pytest.mark.parametrize("data", SEVERAL.values(), ids=SEVERAL)
def test_half_of_the_first_of_several_pictures_is_refused(data: bytes) -> None:
    refusal(data[: len(data) // 4])


def test_half_a_file_says_what_is_the_matter() -> None:
    assert refusal(IN_COLOUR["JPEG"][:400]).startswith("mug.png cannot be decoded: ")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8))
    said = refusal(encoded(noise, "PNG")[:5000])
    assert said == f"mug.png cannot be decoded: image file is truncated; {ACCEPTED}"


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_is_white(kind: str, mode: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    upper_left, upper_right, *lower = colours_of(read(encoded(half_seen(mode), kind, **options)))
    assert lower == [(255, 255, 255)] * 2
    if mode == "RGBA":
        assert (upper_left, upper_right) == COLOURS[:2]


def test_half_transparent_is_half_white() -> None:
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 51))
    assert read(encoded(picture, "PNG")).getpixel((0, 0)) == (255, 204, 204)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
@pytest.mark.parametrize("place", [0, 3])
def test_the_transparent_colour_of_a_palette_is_white(kind: str, place: int) -> None:
    paletted = corners().quantize(4)
    width, height = paletted.size
    pixels = [(width // 4, height // 4), (width * 3 // 4, height // 4), (width // 4, height * 3 // 4)]
    pixel = (*pixels, (width * 3 // 4, height * 3 // 4))[place]
    found = colours_of(read(encoded(paletted, kind, transparency=paletted.getpixel(pixel))))
    assert found[place] == (255, 255, 255)
    assert found.count((255, 255, 255)) == 1


def test_a_palette_of_many_transparencies_is_laid_on_white() -> None:
    paletted = Image.new("P", (2, 1))
    paletted.putpalette([255, 0, 0, 255, 0, 0])
    paletted.putpixel((1, 0), 1)
    picture = read(encoded(paletted, "PNG", transparency=bytes([51, 255])))
    assert (picture.getpixel((0, 0)), picture.getpixel((1, 0))) == ((255, 204, 204), (255, 0, 0))


def test_a_real_palette_with_transparency_is_read_without_a_warning() -> None:
    if not CASE.is_file():
        pytest.skip("../shared/cases is not beside the project")
    picture = read(CASE.read_bytes())
    assert np.asarray(picture).std() > 10


@pytest.mark.parametrize(
    ("mode", "transparent"), [("RGB", COLOURS[0]), ("L", 77), ("1", 1)], ids=["colour", "grey", "black and white"]
)
def test_a_single_transparent_colour_is_white(mode: str, transparent: Any) -> None:
    drawn = Image.new(mode, (8, 8), transparent)
    drawn.paste(0, (4, 0, 8, 8))
    picture = read(encoded(drawn, "PNG", transparency=transparent))
    assert (picture.getpixel((0, 0)), picture.getpixel((7, 0))) == ((255, 255, 255), (0, 0, 0))


def test_a_transparent_grey_of_16_bits_is_white() -> None:
    drawn = Image.fromarray(np.array([[4000, 8000]], np.uint16))
    picture = read(encoded(drawn, "PNG", transparency=4000))
    assert (picture.getpixel((0, 0)), picture.getpixel((1, 0))) == ((255, 255, 255), (31, 31, 31))


def test_grey_and_black_and_white_have_equal_channels() -> None:
    grey = Image.new("L", (8, 8), 51)
    assert [read(encoded(grey, kind)).getpixel((0, 0)) for kind in ("PNG", "JPEG", "TIFF", "BMP")] == [(51,) * 3] * 4
    white = Image.new("1", (8, 8), 1)
    assert [read(encoded(white, kind)).getpixel((0, 0)) for kind in ("PNG", "TIFF", "BMP")] == [(255,) * 3] * 3


@pytest.mark.parametrize(
    "data",
    [encoded(GREY_16, "PNG"), encoded(GREY_16, "TIFF"), encoded(GREY_16.convert("I"), "TIFF")],
    ids=["PNG", "TIFF", "TIFF of 32"],
)
def test_16_bits_of_grey_keep_their_range(data: bytes) -> None:
    found = np.asarray(read(data), np.float64)
    np.testing.assert_allclose(found[..., 0], np.asarray(GREY_16, np.float64) / 257, atol=1)
    assert (found == found[..., :1]).all()


def test_16_bits_of_colour_keep_their_range() -> None:
    row = b"\0" + struct.pack(">6H", *(value * 257 for value in (*COLOURS[0], *COLOURS[1])))
    picture = read(png(2, 1, depth=16, colour=2, rows=row))
    assert [picture.getpixel((0, 0)), picture.getpixel((1, 0))] == list(COLOURS[:2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_of_any_orientation_is_upright(kind: str, orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    held = corners().transpose(turns[orientation]) if orientation in turns else corners()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    picture = read(encoded(held, kind, exif=exif, quality=95))
    assert picture.size == (WIDTH, HEIGHT)
    np.testing.assert_allclose(colours_of(picture), COLOURS, atol=12)


@pytest.mark.parametrize("exif", [b"Exif\0\0what", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_damaged_metadata_does_not_matter(exif: bytes) -> None:
    np.testing.assert_allclose(colours_of(read(encoded(corners(), "JPEG", quality=95, exif=exif))), COLOURS, atol=12)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"a mug", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n", b"<html>404</html>"],
    ids=["nothing", "NUL", "text", "SVG", "PDF", "HTML"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refusal(data) == f"mug.png is no picture that can be read ({len(data)} bytes); {ACCEPTED}"


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_a_photo_of_a_phone_that_is_not_read_names_the_cure(brand: bytes) -> None:
    data = struct.pack(">I", 24) + b"ftyp" + brand + bytes(12)
    assert refusal(data) == f"mug.png is HEIC or AVIF; {ACCEPTED}; save it as JPEG"


def test_a_form_that_pillow_reads_and_we_do_not_is_refused() -> None:
    assert "is no picture that can be read" in refusal(encoded(corners(), "TGA"))
    assert "is no picture that can be read" in refusal(encoded(corners(), "PPM"))


@pytest.mark.parametrize("side", [60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_its_header(side: int) -> None:
    said = refusal(png(side, side, depth=8, colour=2, rows=b""))
    assert said == "mug.png is too large; accepted: 100000000 pixels, make it smaller"


def test_a_picture_above_our_own_limit_is_refused_by_its_header() -> None:
    assert LARGEST_PIXELS < 12_000 * 12_000
    said = refusal(png(12_000, 12_000, depth=8, colour=2, rows=b""))
    assert said == "mug.png has 12000x12000 pixels; accepted: 100000000 altogether, make it smaller"


def test_pixels_without_a_known_range_are_refused() -> None:
    assert "floating-point pixels" in refusal(encoded(Image.new("F", (8, 8)), "TIFF"))
    assert "more than 16 bits" in refusal(encoded(Image.new("I", (8, 8), 70_000), "TIFF"))
    assert "more than 16 bits" in refusal(encoded(Image.new("I", (8, 8), -1), "TIFF"))


def test_a_picture_is_whole_without_its_bytes() -> None:
    """Nothing is left to be read or closed."""
    picture = read(IN_COLOUR["PNG"])
    assert type(picture) is Image.Image
    assert getattr(picture, "fp", None) is None


def test_a_picture_that_is_one_long_line_is_refused() -> None:
    line = read(encoded(Image.new("RGB", (1, 65_000)), "PNG"))
    with pytest.raises(PictureError) as caught:
        tensor_from_picture(line, preprocessing_from_value("imagenet", (3, 224, 224)))
    said = "a picture of 1x65000 pixels would be resized to 256x16640000; accepted: 100000000 altogether"
    assert str(caught.value) == f"{said}, cut it to what is to be seen"
    whole = tensor_from_picture(line, preprocessing_from_value("inception", (3, 224, 224)))
    assert whole.shape == (3, 224, 224)
