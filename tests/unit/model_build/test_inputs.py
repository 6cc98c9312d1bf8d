from collections.abc import Callable
from pathlib import Path

import pytest

from model_build.digest import sha256_of_bytes
from model_build.errors import InputsError
from model_build.inputs import inputs_from_folder, labels_from_text

Write = Callable[..., Path]


def test_inputs_are_read(write_inputs: Write, red_png: bytes) -> None:
    inputs = inputs_from_folder(write_inputs(b"model"))
    assert inputs.labels == ("TENCH", "MUG", "CUP", "POT")
    assert inputs.picture.mode == "RGB"
    assert inputs.picture.size == (300, 280)
    assert inputs.picture_sha256 == sha256_of_bytes(red_png)


@pytest.mark.parametrize("name", ["spec.json", "labels.txt", "image"])
def test_a_missing_file_is_named(write_inputs: Write, name: str) -> None:
    folder = write_inputs(b"model")
    (folder / name).unlink()
    with pytest.raises(InputsError, match=f"{name}: No such file"):
        inputs_from_folder(folder)


@pytest.mark.parametrize("image", [b"", b"<html>", b"GIF89a"])
def test_what_is_no_picture_is_refused(write_inputs: Write, image: bytes) -> None:
    with pytest.raises(InputsError, match="neither a PNG nor a JPEG"):
        inputs_from_folder(write_inputs(b"model", image=image))


def test_a_truncated_picture_is_refused(write_inputs: Write, red_png: bytes) -> None:
    with pytest.raises(InputsError, match="cannot be decoded"):
        inputs_from_folder(write_inputs(b"model", image=red_png[: len(red_png) // 2]))


def test_a_class_beyond_the_labels_is_refused(write_inputs: Write) -> None:
    with pytest.raises(InputsError, match=r"expect.class is 4, but .* names the classes 0 to 3"):
        inputs_from_folder(write_inputs(b"model", expect={"class": 4}))


@pytest.mark.parametrize("text", ["A\nB\n", "A\nB", "A\r\nB\r\n"])
def test_labels_are_lines(text: str) -> None:
    assert labels_from_text(text, name="labels.txt") == ("A", "B")


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "is empty"), ("\n", "is empty"), ("A\n\nC\n", "empty line 2"), ("A\n\n", "empty line 2")],
)
def test_labels_that_would_shift_are_refused(text: str, fault: str) -> None:
    with pytest.raises(InputsError, match=fault):
        labels_from_text(text, name="labels.txt")


def test_labels_that_are_not_text_are_refused(write_inputs: Write) -> None:
    folder = write_inputs(b"model")
    (folder / "labels.txt").write_bytes(b"\xff\xfe\n")
    with pytest.raises(InputsError, match="not UTF-8"):
        inputs_from_folder(folder)
