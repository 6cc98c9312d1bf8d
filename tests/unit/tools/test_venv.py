from pathlib import Path

import pytest

from tools import venv
from tools.errors import ToolsError
from tools.venv import ensure_venv


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with its locks, and a uv and a Python that only write down what they were told."""
    root = tmp_path / "clone"
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho python "$@" >>{tmp_path}/uv.log\n')
    python.chmod(0o755)
    (root / "package").mkdir()
    (root / "package" / "__init__.py").touch()
    inputs = tuple(root / name for name in ("requirements.lock", "uv.lock", "pyproject.toml"))
    for path in inputs:
        path.write_text(path.name)
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/uv.log\n[ ! -e {tmp_path}/broken ]\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:/usr/bin:/bin")
    monkeypatch.setattr(venv, "ROOT", root)
    monkeypatch.setattr(venv, "ENVIRONMENT", root / ".venv")
    monkeypatch.setattr(venv, "_LOCK", root / "requirements.lock")
    monkeypatch.setattr(venv, "_INPUTS", inputs)
    monkeypatch.setattr(venv, "_STAMP", root / ".venv" / ".complete")
    return root


def calls(clone: Path) -> list[str]:
    log = clone.parent / "uv.log"
    return log.read_text().splitlines() if log.exists() else []


def test_the_locked_packages_and_the_project_are_installed_once(clone: Path, tmp_path: Path) -> None:
    python = ensure_venv(tmp_path / "cache")
    ensure_venv(tmp_path / "cache")

    assert python == clone / ".venv" / "bin" / "python"
    made, synced, installed, compiled = calls(clone)
    assert made.startswith("venv --quiet --allow-existing --python ")
    assert synced == f"pip sync --quiet --compile-bytecode --require-hashes --python {python} {clone}/requirements.lock"
    assert installed.endswith(f"--no-deps --no-build-isolation --python {python} --editable {clone}")
    assert compiled == f"python -m compileall -q {clone}/package"


def test_a_changed_lock_is_installed_again(clone: Path, tmp_path: Path) -> None:
    ensure_venv(tmp_path / "cache")
    (clone / "requirements.lock").write_text("another")

    ensure_venv(tmp_path / "cache")

    assert len(calls(clone)) == 8


def test_an_installation_that_failed_does_not_look_complete(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(ToolsError, match=r"failed, see above; when mended: make venv"):
        ensure_venv(tmp_path / "cache")
    (tmp_path / "broken").unlink()

    ensure_venv(tmp_path / "cache")

    assert len(calls(clone)) == 5
