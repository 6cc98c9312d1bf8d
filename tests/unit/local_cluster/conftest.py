"""A cluster's layout whose folders are the test's own."""

from pathlib import Path

import pytest

from local_cluster.layout import Layout, layout_from_name


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tests' cluster, in a temporary folder."""
    monkeypatch.setattr("local_cluster.layout.STATE_ROOT", tmp_path / "state")
    monkeypatch.setattr("local_cluster.layout.RUN_ROOT", tmp_path / "run")
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
