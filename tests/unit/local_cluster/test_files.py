import stat
from pathlib import Path

import pytest

from local_cluster.files import WriteError, make_folder, write_if_changed


def test_only_a_change_is_written(tmp_path: Path) -> None:
    path = tmp_path / "config"

    assert write_if_changed(path, "a")
    first = path.stat()
    assert not write_if_changed(path, "a")
    assert path.stat() == first
    assert write_if_changed(path, b"b")
    assert path.read_bytes() == b"b"


def test_files_are_the_owners_unless_said_otherwise(tmp_path: Path) -> None:
    write_if_changed(tmp_path / "key", "x")
    write_if_changed(tmp_path / "open", "x", mode=0o644)

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


def test_what_an_interrupted_write_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".config.new").write_text("half", encoding="utf-8")

    assert write_if_changed(tmp_path / "config", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["config"]


def test_a_folder_gets_its_mode_whatever_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder, mode=0o755)
    make_folder(folder, mode=0o700)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(WriteError, match=r"file/config can't be written: Not a directory"):
        write_if_changed(tmp_path / "file" / "config", "x")
    with pytest.raises(WriteError, match="can't be written"):
        make_folder(tmp_path / "file", mode=0o700)
