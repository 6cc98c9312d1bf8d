import sys
from pathlib import Path

import pytest

from tools.language_host.errors import LanguageHostError
from tools.language_host.installation import installation_commands
from tools.language_host.interpreter import Interpreter


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return str(program)


@pytest.mark.usefixtures("without_uv")
def test_pip_makes_and_fills_a_missing_environment(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()

    assert installation_commands(Interpreter("pip", tmp_path / "venv"), tmp_path, tmp_path) == [
        [sys.executable, "-m", "venv", tmp_path / "venv"],
        [tmp_path / "venv/bin/python", "-m", "pip", "install", "-r", tmp_path / "requirements.txt"],
    ]


def test_uv_is_preferred_and_an_environment_that_exists_is_kept(tmp_path: Path, uv: str) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "requirements.txt").touch()

    assert installation_commands(Interpreter("pip", tmp_path / "venv"), tmp_path / "infra", tmp_path) == [
        [uv, "pip", "install", "--python", python, "--require-hashes", "-r", tmp_path / "requirements.lock"]
    ]


@pytest.mark.usefixtures("without_uv")
def test_nothing_above_the_project_is_installed(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    root = tmp_path / "project"

    with pytest.raises(LanguageHostError, match=r"project has no requirements.lock, requirements.txt, pyproject.toml"):
        installation_commands(Interpreter("pip", None), root / "infra", root)


@pytest.mark.usefixtures("without_uv")
def test_a_project_that_asks_for_uv_needs_it(tmp_path: Path) -> None:
    with pytest.raises(LanguageHostError, match="asks for uv, which is not on PATH"):
        installation_commands(Interpreter("uv", tmp_path), tmp_path, tmp_path)
