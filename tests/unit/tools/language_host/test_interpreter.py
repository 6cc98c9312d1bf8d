import sys
from pathlib import Path

import pytest

from tools.language_host.errors import InterpreterError, RuntimeOptionError
from tools.language_host.interpreter import Interpreter


def test_the_virtual_environment_is_relative_to_the_project(tmp_path: Path) -> None:
    assert Interpreter.of_project(tmp_path, {"virtualenv": "venv"}).virtualenv == tmp_path / "venv"
    assert Interpreter.of_project(tmp_path, {"virtualenv": "/abs/venv"}).virtualenv == Path("/abs/venv")
    assert Interpreter.of_project(tmp_path, {"toolchain": "uv"}).virtualenv == tmp_path / ".venv"


@pytest.mark.parametrize("options", [{"typechecker": "mypy"}, {"toolchain": "poetry"}])
def test_an_option_that_is_not_known_is_refused_with_what_is_accepted(options: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(RuntimeOptionError, match=r"Pulumi.yaml: runtime option .*; accepted: "):
        Interpreter.of_project(tmp_path, options)


def test_a_missing_virtual_environment_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"venv is no virtual environment; make it: pulumi install"):
        Interpreter.of_project(tmp_path, {"virtualenv": "venv"}).executable()


def test_without_a_virtual_environment_python_is_the_one_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)

    interpreter = Interpreter.of_project(tmp_path, {})

    assert interpreter.executable() == Path(sys.executable)
    assert interpreter.described().executable == sys.executable
    assert interpreter.activated({"PATH": "/bin", "PYTHONHOME": "/x"}) == {"PATH": "/bin", "PYTHONHOME": "/x"}


def test_a_virtual_environment_is_activated(tmp_path: Path) -> None:
    interpreter = Interpreter.of_project(tmp_path, {"virtualenv": "venv"})

    assert interpreter.activated({"PATH": "/bin", "PYTHONHOME": "/x"}) == {
        "PATH": f"{tmp_path}/venv/bin:/bin",
        "VIRTUAL_ENV": f"{tmp_path}/venv",
    }
