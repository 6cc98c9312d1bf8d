"""An engine is kept whole or not at all, and what is damaged is said and not used."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from model_build.tensorrt.device import BatchProfile
from model_build.tensorrt.engines import engine_from_folder, write_engine
from model_build.tensorrt.record import Compilation

COMPILATION = Compilation(
    profile=BatchProfile(typical=8, largest=64),
    workspace_mib=4096,
    tactic_sources=("CUBLAS", "CUDNN"),
    build_seconds=34.6,
    cache_hit=True,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return where an engine is kept, on a storage that has none yet."""
    return tmp_path / "engines" / ("e" * 16)


def test_an_engine_is_found_with_how_it_was_compiled(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert engine_from_folder(folder) is None
    write_engine(b"plan", COMPILATION, folder)
    assert engine_from_folder(folder) == (b"plan", COMPILATION)
    assert sorted(path.name for path in folder.iterdir()) == ["engine.json", "model.plan"]
    assert list(folder.parent.iterdir()) == [folder]
    assert caplog.messages == []


def test_an_engine_is_everybody_s_to_read(folder: Path) -> None:
    """The next build may run as another user."""
    write_engine(b"plan", COMPILATION, folder)
    assert oct(folder.stat().st_mode & 0o777) == "0o755"


def test_each_engine_has_an_address_of_its_own(folder: Path) -> None:
    other = folder.with_name("f" * 16)
    write_engine(b"plan", COMPILATION, folder)
    assert engine_from_folder(other) is None
    write_engine(b"other", COMPILATION, other)
    assert engine_from_folder(folder) == (b"plan", COMPILATION)


def _changed_record(folder: Path, **changes: object) -> None:
    record = json.loads((folder / "engine.json").read_text())
    (folder / "engine.json").write_text(json.dumps(record | changes))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a cut plan": lambda folder: (folder / "model.plan").write_bytes(b"pla"),
    "another byte": lambda folder: (folder / "model.plan").write_bytes(b"plan"[:-1] + b"m"),
    "an empty plan": lambda folder: (folder / "model.plan").write_bytes(b""),
    "no plan": lambda folder: (folder / "model.plan").unlink(),
    "no record": lambda folder: (folder / "engine.json").unlink(),
    "an empty record": lambda folder: (folder / "engine.json").write_bytes(b""),
    "a cut record": lambda folder: (folder / "engine.json").write_bytes((folder / "engine.json").read_bytes()[:-1]),
    "a record that is no text": lambda folder: (folder / "engine.json").write_bytes(b"\xff\xfe{}"),
    "a record that is a list": lambda folder: (folder / "engine.json").write_text("[]"),
    "a record that is null": lambda folder: (folder / "engine.json").write_text("null"),
    "a record that is a word": lambda folder: (folder / "engine.json").write_text('"sha256"'),
    "a record of nothing": lambda folder: (folder / "engine.json").write_text("{}"),
    "another digest": lambda folder: _changed_record(folder, sha256="0" * 64),
    "no tactic sources": lambda folder: _changed_record(folder, tacticSources=None),
    "another profile": lambda folder: _changed_record(folder, profile={"colour": 1}),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_engine_is_not_used_which_is_said_and_gives_way(
    folder: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object]
) -> None:
    write_engine(b"plan", COMPILATION, folder)
    damage(folder)
    with caplog.at_level(logging.WARNING):
        assert engine_from_folder(folder) is None
    assert caplog.messages == [f"{folder} is damaged and not used; it is compiled anew"]
    write_engine(b"anew", COMPILATION, folder)
    assert engine_from_folder(folder) == (b"anew", COMPILATION)
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("failing", ["write_text", "chmod", "rename"])
@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()], ids=["full", "interrupted"])
def test_an_interrupted_write_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(type(error)):
        write_engine(b"plan", COMPILATION, folder)
    assert list(folder.parent.iterdir()) == []
    assert engine_from_folder(folder) is None


def test_of_two_builds_at_once_one_engine_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed = shutil.rmtree

    def remove(path: Path, **options: bool) -> None:
        """Let another build keep the same engine just after there was none."""
        removed(path, **options)
        if path == folder:
            monkeypatch.undo()
            write_engine(b"the other's", COMPILATION, folder)

    monkeypatch.setattr(shutil, "rmtree", remove)
    write_engine(b"plan", COMPILATION, folder)
    assert engine_from_folder(folder) == (b"the other's", COMPILATION)
    assert list(folder.parent.iterdir()) == [folder]
