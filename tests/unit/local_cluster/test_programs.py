import os
import stat
from pathlib import Path

import pytest

from local_cluster import programs
from local_cluster.awaiting import await_condition
from local_cluster.errors import ProgramError
from local_cluster.images import ImageError, Images
from local_cluster.layout import Layout


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, first on PATH, for stand-ins."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def stand_in(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def hanging(folder: Path, name: str) -> Path:
    """Put a program there that waits for another, which holds its output open; return the file with the other's id."""
    told = folder / "child"
    stand_in(folder, name, f"sleep 1000 &\necho $! > {told}\nwait")
    return told


def assert_ended(told: Path) -> None:
    child = Path("/proc", told.read_text(encoding="utf-8").strip())
    await_condition("the child's end", lambda: "it runs" if _runs(child) else None, deadline_s=10)


def _runs(process: Path) -> bool:
    try:
        return "State:\tZ" not in (process / "status").read_text(encoding="utf-8")
    except OSError:
        return False


def test_a_program_gets_its_input_and_no_variable_of_the_callers(
    on_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(on_path, "stand-in", 'cat; echo "$KUBECONFIG."')
    monkeypatch.setenv("KUBECONFIG", "/of/the/user")

    assert programs.run(["stand-in"], stdin="told ") == "told .\n"


def test_a_failure_is_one_line_with_the_programs_last(on_path: Path) -> None:
    stand_in(on_path, "stand-in", "echo first >&2; echo last >&2; exit 7")

    with pytest.raises(ProgramError) as error:
        programs.run(["stand-in", "a", "b", "secret"])
    assert str(error.value) == "`stand-in a b …` ended with status 7: last"


def test_a_program_that_hangs_is_killed_with_what_it_started(on_path: Path) -> None:
    told = hanging(on_path, "stand-in")

    with pytest.raises(ProgramError, match=r"^`stand-in a` did not end within 1 s and was killed: .*try again$"):
        programs.run(["stand-in", "a"], deadline_s=1)
    assert_ended(told)
    assert not programs.succeeds(["stand-in"], deadline_s=0.1)


def test_a_hung_containerd_is_given_up(layout: Layout, on_path: Path, tmp_path: Path) -> None:
    hanging(on_path, "ctr")
    images = Images(layout, answer_s=0.1, import_s=0.1)
    layout.containerd_socket.touch()
    archive = tmp_path / "image.tar"
    archive.touch()

    assert "did not end within" in str(images.reason_not_answering())
    with pytest.raises(ImageError, match="did not end within"):
        images.load(archive)
