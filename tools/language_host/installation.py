"""What `pulumi install` runs for a Python project."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.language_host.errors import LanguageHostError
from tools.language_host.interpreter import Interpreter

_LISTS: dict[str, tuple[str, ...]] = {
    "requirements.lock": ("--require-hashes", "-r"),
    "requirements.txt": ("-r",),
    "pyproject.toml": ("-e",),
}

Command = Sequence[str | Path]  # what a process is started with


def installation_commands(interpreter: Interpreter, program: Path, root: Path) -> list[Command]:
    """Return the commands that make the virtual environment, if it is missing, and fill it.

    The packages come from the nearest requirements.lock, requirements.txt or pyproject.toml, from the program's
    folder up to the project's root; uv installs them if it is on PATH, otherwise pip.

    Raises:
        LanguageHostError: there is neither, or nothing says what to install.
    """
    uv = shutil.which("uv")
    if uv is None and interpreter.toolchain == "uv":
        raise LanguageHostError("Pulumi.yaml asks for uv, which is not on PATH; install it: pip install uv")
    what = _packages(program, root)
    virtualenv = interpreter.virtualenv
    if virtualenv is None:
        return [[interpreter.executable(), "-m", "pip", "install", *what]]
    python = virtualenv / "bin" / "python"
    make: Command = [uv, "venv", virtualenv] if uv else [sys.executable, "-m", "venv", virtualenv]
    install: Command = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    fill = [*install, *what]
    return [fill] if python.is_file() else [make, fill]


def _packages(program: Path, root: Path) -> tuple[str | Path, ...]:
    for folder in [program, *program.parents]:
        for name, options in _LISTS.items():
            if (folder / name).is_file():
                return (*options, folder if name == "pyproject.toml" else folder / name)
        if folder == root:
            break
    raise LanguageHostError(f"{root} has no {', '.join(_LISTS)}; write down there what the program needs")
