from collections.abc import Callable
from pathlib import Path

import pytest

from model_build.digest import sha256_of_bytes
from model_build.errors import InputsError
from model_build.inputs import inputs_from_folder
from tests.unit.model_build.conftest import expected

Write = Callable[..., Path]


def test_inputs_are_read(write_inputs: Write, red_png: bytes, tmp_path: Path) -> None:
    inputs = inputs_from_folder(write_inputs(b"model"))
    assert inputs.labels == ("TENCH", "MUG", "CUP", "POT")
    assert inputs.files == {sha256_of_bytes(red_png): red_png}
    (picture,) = inputs.pictures(tmp_path)
    assert (picture.mode, picture.size) == ("RGB", (300, 280))


@pytest.mark.parametrize("name", ["spec.json", "labels.txt", "the picture"])
def test_a_missing_file_is_named(write_inputs: Write, red_png: bytes, name: str) -> None:
    folder = write_inputs(b"model")
    file = sha256_of_bytes(red_png) if name == "the picture" else name
    (folder / file).unlink()
    with pytest.raises(InputsError, match=f"{file}: No such file"):
        inputs_from_folder(folder)


def test_a_picture_that_is_not_what_its_name_says_is_refused(write_inputs: Write, red_png: bytes) -> None:
    folder = write_inputs(b"model")
    (folder / sha256_of_bytes(red_png)).write_bytes(red_png + b"more")
    with pytest.raises(InputsError, match=r"has sha256 \w{64}; accepted: the file that its name says"):
        inputs_from_folder(folder)


@pytest.mark.parametrize("image", [b"", b"<html>", b"%PDF-1.7"])
def test_what_is_no_picture_is_refused(write_inputs: Write, tmp_path: Path, image: bytes) -> None:
    inputs = inputs_from_folder(write_inputs(b"model", image=image))
    with pytest.raises(InputsError, match=r"expect\.image: .* is no picture that can be read"):
        inputs.pictures(tmp_path)


def test_a_picture_by_url_is_fetched_once(write_inputs: Write, red_png: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mug.png"
    file.write_bytes(red_png)
    inputs = inputs_from_folder(write_inputs(b"model", expect=[expected(red_png, url=file.as_uri())]))
    assert inputs.files == {}
    downloads = tmp_path / "downloads"
    assert [picture.size for picture in inputs.pictures(downloads)] == [(300, 280)]
    file.rename(tmp_path / "gone.png")
    assert [picture.size for picture in inputs.pictures(downloads)] == [(300, 280)]


@pytest.mark.parametrize("content", [None, b"another picture"])
def test_a_picture_s_url_that_gives_another_or_nothing_is_refused(
    write_inputs: Write, red_png: bytes, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "mug.png"
    if content:
        file.write_bytes(content)
    inputs = inputs_from_folder(write_inputs(b"model", expect=[expected(red_png, url=file.as_uri())]))
    reason = "the configuration says" if content else "No such file"
    with pytest.raises(InputsError, match=rf"expect\.image: file://.*mug\.png.*{reason}"):
        inputs.pictures(tmp_path / "downloads")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"class": 4}, r"expect\.class is 4; accepted: a class, 0 to 3, by "),
        ({"top": [1, 1]}, r"expect\.top is \[1, 1\]; accepted: each class once"),
        ({"top": [1, 0, 2, 3, 4]}, r"expect\.top is .*; accepted: at most 4 classes"),
        ({"top": [2, 1]}, r"expect\.top is \[2, 1\]; accepted: a list that begins with the expected class, 1"),
    ],
)
def test_an_expectation_that_no_answer_can_meet_is_refused(
    write_inputs: Write, red_png: bytes, change: dict[str, object], fault: str
) -> None:
    with pytest.raises(InputsError, match=fault):
        inputs_from_folder(write_inputs(b"model", expect=[expected(red_png, **change)]))


def test_labels_that_are_no_labels_are_refused(write_inputs: Write) -> None:
    folder = write_inputs(b"model")
    (folder / "labels.txt").write_text("TENCH\n\nCUP\nPOT\n")
    with pytest.raises(InputsError, match=r"labels\.txt has an empty line 2"):
        inputs_from_folder(folder)
