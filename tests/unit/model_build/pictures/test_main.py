from pathlib import Path

import pytest
from PIL import Image

from model_build.pictures import __main__ as command_line


def test_one_scene_is_rendered_into_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new"
    assert command_line.main(["render", "--scene", "ball-4", "--out", str(folder)]) == 0
    with Image.open(folder / "ball-4.png") as image:
        assert image.size == (384, 384)
    assert capsys.readouterr().out == f"{folder / 'ball-4.png'}\n"
    assert [path.name for path in folder.iterdir()] == ["ball-4.png"]


def test_an_unknown_scene_is_refused_with_the_nearest_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["render", "--scene", "mugg", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: there is no scene 'mugg'; the nearest names are mug, mug-8, mug-7\n"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    assert command_line.main(["render", "--scene", "ball", "--out", str(occupied)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert str(occupied) in error
    assert error.count("\n") == 1
