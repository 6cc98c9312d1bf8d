"""The project's virtual environment: every locked dependency, by hash, in ``.venv``."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tools.debian import install_missing
from tools.errors import ToolsError

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
_LOCK = ROOT / "requirements.lock"
_UV_LOCK = ROOT / "tools" / "uv.lock"
_INPUTS = (_LOCK, _UV_LOCK, ROOT / "pyproject.toml")
_STAMP = ENVIRONMENT / ".complete"


def ensure_venv(cache: Path) -> Path:
    """Make ``.venv`` hold exactly what ``requirements.lock`` names, and this project as an editable install.

    Args:
        cache: the user's cache folder, where a missing ``uv`` is put once for all clones.

    Returns:
        The environment's Python. An environment that is complete is left as it is.

    Raises:
        ToolsError: a package could not be installed.
    """
    python = ENVIRONMENT / "bin" / "python"
    state = _state()
    if python.exists() and _STAMP.exists() and _STAMP.read_text() == state:
        return python
    print("python: installing the locked packages into .venv", file=sys.stderr)  # noqa: T201 - progress
    uv = str(ensure_uv(cache))
    _STAMP.unlink(missing_ok=True)
    _run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(ENVIRONMENT))
    install = ("--python", str(python))
    # All is compiled now, as pip does: where nothing may be written later, every start would compile what it imports.
    _run(uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", *install, str(_LOCK))
    _run(uv, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *install, "--editable", str(ROOT))
    packages = sorted(str(path.parent) for path in ROOT.glob("*/__init__.py"))
    _run(str(python), "-m", "compileall", "-q", *packages)
    _STAMP.write_text(state)
    return python


def _state() -> str:
    """What the environment depends on: the locks, this Python, and where the clone lies."""
    digest = hashlib.sha256(f"{sys.version}\n{sys.executable}\n{ROOT}\n".encode())
    for path in _INPUTS:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def uv_folder(cache: Path) -> Path:
    """Return where the locked ``uv`` lies in the user's cache, for a machine without one on PATH."""
    return cache / f"uv-{hashlib.sha256(_UV_LOCK.read_bytes()).hexdigest()[:16]}"


def ensure_uv(cache: Path) -> Path:
    """Find ``uv`` on PATH, or install the locked one once into the user's cache.

    Args:
        cache: the user's cache folder.

    Raises:
        ToolsError: it could not be installed.
    """
    if found := shutil.which("uv"):
        return Path(found)
    home = uv_folder(cache)
    uv = home / "bin" / "uv"
    if not uv.exists():
        install_missing("python")
        scratch = home.with_name(f"{home.name}.{os.getpid()}")
        try:
            venv.create(scratch, with_pip=True)
        except (subprocess.CalledProcessError, OSError) as error:
            raise ToolsError(
                f"{sys.executable} cannot make a virtual environment ({error}); install another Python and name it: "
                "make PYTHON=python3.12 up"
            ) from error
        _run(
            str(scratch / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(_UV_LOCK)
        )
        try:
            scratch.rename(home)
        except OSError as error:  # another run was first
            shutil.rmtree(scratch, ignore_errors=True)
            if not uv.exists():
                raise ToolsError(
                    f"{home} holds no uv ({error.strerror}); remove it and repeat: rm -r {home}"
                ) from error
    return uv


def _run(*command: str) -> None:
    environment = {**os.environ, "VIRTUAL_ENV": str(ENVIRONMENT)}
    # standard output is for what was asked for: uv's path
    if subprocess.run(command, env=environment, check=False, stdout=sys.stderr).returncode != 0:
        raise ToolsError(f"'{' '.join(command[:3])} …' failed, see above; when mended: make venv")
