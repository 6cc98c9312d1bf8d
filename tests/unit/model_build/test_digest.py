import os
import subprocess
from pathlib import Path

import pytest

from model_build.digest import TREE_DIGEST_COMMAND, file_digests, tree_sha256
from model_build.errors import StorageError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "model" / "1").mkdir(parents=True)
    (folder / "model" / "config.pbtxt").write_text("config")
    (folder / "model" / "1" / "a model.plan").write_bytes(b"\x00plan")
    (folder / ".hidden").write_text("")
    return folder


def test_a_tree_digest_is_what_its_command_prints(tree: Path) -> None:
    printed = subprocess.run(  # the shell's own line, as a user runs it
        ["bash", "-c", TREE_DIGEST_COMMAND], cwd=tree, capture_output=True, text=True, check=True
    ).stdout
    assert printed.split()[0] == tree_sha256(file_digests(tree))


@pytest.mark.parametrize("change", ["content", "name", "extra"])
def test_a_tree_digest_sees_every_change(tree: Path, change: str) -> None:
    before = tree_sha256(file_digests(tree))
    if change == "content":
        (tree / ".hidden").write_text("x")
    elif change == "name":
        (tree / ".hidden").rename(tree / "shown")
    else:
        (tree / "extra").write_text("")
    assert tree_sha256(file_digests(tree)) != before


def test_links_are_refused(tree: Path) -> None:
    (tree / "link").symlink_to(tree / ".hidden")
    with pytest.raises(StorageError, match="link is neither a plain file nor a folder"):
        file_digests(tree)


def test_a_linked_folder_is_refused(tree: Path) -> None:
    (tree / "link").symlink_to("/etc", target_is_directory=True)
    with pytest.raises(StorageError, match="link is neither"):
        file_digests(tree)


def test_a_name_that_is_no_utf_8_is_refused_in_a_line_that_can_be_shown(tree: Path) -> None:
    (tree / os.fsdecode(b"caf\xe9")).touch()
    with pytest.raises(StorageError, match="is no UTF-8 text") as raised:
        file_digests(tree)
    assert str(raised.value).isascii()
