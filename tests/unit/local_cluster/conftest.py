"""A cluster's layout whose folders are the test's own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster.layout import Layout, layout_from_name


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have addresses that the kernel takes, of 107 characters: `tmp_path` may be longer."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def layout(tmp_path: Path, short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tests' cluster, in temporary folders."""
    monkeypatch.setattr("local_cluster.layout.STATE_ROOT", tmp_path / "state")
    monkeypatch.setattr("local_cluster.layout.RUN_ROOT", short_folder)
    made = layout_from_name("embedded-test")
    made.state.mkdir(parents=True)
    made.run.mkdir(parents=True)
    return made


@pytest.fixture
def programs_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, first on PATH, where every program is found whatever its name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setattr("local_cluster.programs.find", lambda program: str(folder / program))
    return folder
