"""The Python that a Pulumi project names: its place, its environment variables, its packages."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.language_host.errors import InterpreterError, RuntimeOptionError

_ANSWER_S = 30
_TOOLCHAINS = ("pip", "uv")
_ASK = "import json, platform, sys; print(json.dumps([sys.executable, platform.python_version(), sys.path[1:]]))"


@dataclass(frozen=True)
class Interpreter:
    """A project's Python.

    Attributes:
        toolchain: `pip` or `uv`, as Pulumi.yaml says.
        virtualenv: the virtual environment's folder, or None for the Python on PATH.
    """

    toolchain: str
    virtualenv: Path | None

    @classmethod
    def of_project(cls, root: Path, options: Mapping[str, object]) -> "Interpreter":
        """Read the options under `runtime` of the Pulumi.yaml in `root`; `virtualenv` is relative to it.

        Raises:
            RuntimeOptionError: an option, or its value, is none that this language host knows.
        """
        unknown = options.keys() - {"virtualenv", "toolchain"}
        if unknown:
            raise RuntimeOptionError(
                f"Pulumi.yaml: runtime option {', '.join(sorted(unknown))} is not known to this language host; "
                "accepted: virtualenv, toolchain; all of them need the official Pulumi CLI on PATH"
            )
        toolchain = options.get("toolchain", "pip")
        if toolchain not in _TOOLCHAINS:
            raise RuntimeOptionError(f"Pulumi.yaml: runtime option toolchain is {toolchain!r}; accepted: pip, uv")
        name = options.get("virtualenv") or (".venv" if toolchain == "uv" else None)
        return cls(str(toolchain), root / str(name) if name else None)

    def executable(self) -> Path:
        """Return the Python to run.

        Raises:
            InterpreterError: there is none there.
        """
        if self.virtualenv is not None:
            python = self.virtualenv / "bin" / "python"
            if not python.is_file():
                raise InterpreterError(f"{self.virtualenv} is no virtual environment; make it: pulumi install")
            return python
        name = os.environ.get("PULUMI_PYTHON_CMD")
        found = shutil.which(name) if name else shutil.which("python3") or shutil.which("python")
        if found is None:
            raise InterpreterError(f"{name or 'python3'} is not on PATH; install it, or name one: PULUMI_PYTHON_CMD")
        return Path(found)

    def activated(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return environment variables as the virtual environment's `activate` would leave them."""
        if self.virtualenv is None:
            return dict(environment)
        kept = {key: value for key, value in environment.items() if key != "PYTHONHOME"}
        path = f"{self.virtualenv / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
        return kept | {"PATH": path, "VIRTUAL_ENV": str(self.virtualenv)}

    def described(self) -> "Description":
        """Ask the Python what it is.

        Raises:
            InterpreterError: it is missing or does not answer.
        """
        python = self.executable()
        try:
            answer = subprocess.run(
                [python, "-c", _ASK],
                check=True,
                capture_output=True,
                text=True,
                timeout=_ANSWER_S,
                env=self.activated(os.environ),
            )
            executable, version, search_path = json.loads(answer.stdout)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise InterpreterError(f"{python} does not answer: {error}; make it again: pulumi install") from error
        return Description(executable, version, tuple(search_path))


@dataclass(frozen=True)
class Description:
    """What a Python says of itself: `search_path` is its sys.path."""

    executable: str
    version: str
    search_path: tuple[str, ...]
