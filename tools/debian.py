"""The Debian packages that a machine may lack, installed in one step."""

import importlib.util
import os
import shlex
import shutil
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.apt import AptError, apt_get, knows
from tools.errors import CatalogueError, PackagesError
from tools.privileges import as_root

PURPOSES = ("cluster", "images", "python", "tests")
_LIST = Path(__file__).with_suffix(".toml")
_ADMIN_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"  # not on every user's PATH


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Debian package and what shows that the machine has its content; `debian.toml` says what the fields mean."""

    name: str
    purposes: frozenset[str]
    programs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    python_module: str = ""

    def is_there(self, environment: Mapping[str, str]) -> bool:
        """Say whether its programs are on PATH, its files lie in one folder, and Python can import its module."""
        path = f"{environment.get('PATH', os.defpath)}:{_ADMIN_FOLDERS}"
        has_programs = all(shutil.which(program, path=path) for program in self.programs)
        has_files = not self.files or any(
            all(Path(folder, file).exists() for file in self.files) for folder in self.folders
        )
        return has_programs and has_files and (not self.python_module or _is_importable(self.python_module))


@cache
def packages(path: Path = _LIST) -> tuple[Package, ...]:
    """Read the list of packages.

    Raises:
        CatalogueError: the list can't be read, or says what it should not.
    """
    try:
        return tuple(_package(*item) for item in tomllib.loads(path.read_text()).items())
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f"{path}: {type(error).__name__}: {error}; restore the file: git checkout {path}"
        ) from error


def missing_packages(only: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the packages that the machine lacks for a purpose, or for all but the tests."""
    wanted = {only} if only else {*PURPOSES} - {"tests"}
    return [package.name for package in packages() if package.purposes & wanted and not package.is_there(environment)]


@as_root()
def install_missing(only: str | None) -> None:
    """Install what the machine lacks for a purpose, or for all but the tests, by one apt-get; or run nothing.

    Raises:
        PackagesError: the machine has no apt-get, this user may not install, or apt-get has failed.
    """
    missing = missing_packages(only, os.environ)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise PackagesError(
            f"this machine lacks what Debian packages {', '.join(missing)} contain and has no apt-get; "
            "install the same by its own means"
        )
    if os.geteuid() != 0:
        command = shlex.join(["sudo", "apt-get", "install", *missing])
        raise PackagesError(f"Debian packages are missing and only root can install them: {command}")
    sys.stderr.write(f"installing Debian packages: {', '.join(missing)}\n")
    try:
        _install(missing)
    except AptError as error:
        sys.stderr.write(error.output)
        raise PackagesError(
            f"apt-get could not install {', '.join(missing)}: {error}; mend its sources or install them by hand: "
            f"{shlex.join(['apt-get', 'install', *missing])}"
        ) from error


def _install(missing: list[str]) -> None:
    """Install packages, from lists that are updated where they don't know them or lead nowhere."""
    if knows(missing):
        with suppress(AptError):  # its lists may lead to versions that are gone
            apt_get("install", *missing)
            return
    with suppress(AptError):  # one bad source of many may not matter
        apt_get("update")
    apt_get("install", *missing)


def _is_importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _package(name: str, table: Mapping[str, Any]) -> Package:
    if not table["purposes"] or not set(table["purposes"]) <= set(PURPOSES):
        raise ValueError(f"{name}.purposes is {table['purposes']!r}; accepted: a list of {', '.join(PURPOSES)}")
    return Package(
        name=name,
        purposes=frozenset(table["purposes"]),
        programs=tuple(table.get("programs", ())),
        files=tuple(table.get("files", ())),
        folders=tuple(table.get("folders", ())),
        python_module=table.get("python_module", ""),
    )
