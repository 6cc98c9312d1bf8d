"""What `programs.toml` says, as frozen values."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.errors import CatalogueError
from tools.package import FOLDER as PACKAGES
from tools.package import Package
from tools.versions import VersionRange

FOLDER = Path(__file__).resolve().parent
SERVES = ("cluster", "pulumi", "simulation", "guest", "lint")


@dataclass(frozen=True, kw_only=True)
class Program:
    """One executable: how it is built, and what an installed one must be to serve instead, by what it serves."""

    name: str
    package: str
    ask: tuple[str, ...] = ()
    suitable: Mapping[str, VersionRange] | None = None
    beside: tuple[str, ...] = ()
    plugin: str | None = None


@dataclass(frozen=True, kw_only=True)
class ModuleFiles:
    """Files by a glob in a module of the tool's go.mod, or (`module` None) in the tool's own folder."""

    glob: str
    module: str | None = None
    to: str = "."


@dataclass(frozen=True, kw_only=True)
class Tool:
    """Programs and files that one Go module folder pins and that are built and published together.

    Attributes:
        name: what it is called.
        serves: the purposes that `--only` chooses it for.
        folder: the Go module that pins it.
        prebuilt: the package that carries its programs ready built, if one does and may be taken.
        build_s: how long building it took on the machine that it was measured on.
        disk_gib: what building it takes at most.
    """

    name: str
    serves: frozenset[str]
    folder: Path
    build_s: float
    disk_gib: float
    prebuilt: Package | None = None
    tags: tuple[str, ...] = ()
    stamp: tuple[tuple[str, str], ...] = ()
    programs: tuple[Program, ...] = ()
    embedded: tuple[ModuleFiles, ...] = ()
    files: tuple[ModuleFiles, ...] = ()

    def from_source(self) -> "Tool":
        """Return the same tool as it is built where no package is to be had."""
        return replace(self, prebuilt=None)

    def ldflags(self) -> str:
        """Return the linker's flags: no symbol table, no debugger's tables, the stamped variables."""
        return " ".join(["-s", "-w", *(f"-X={variable}={value}" for variable, value in self.stamp)])


def catalogue(path: Path = FOLDER / "programs.toml", *, prebuilt: bool = True) -> tuple[Tool, ...]:
    """Read the list of tools; module folders are those in `go/` beside the list.

    Args:
        path: the list.
        prebuilt: whether programs that a package carries may be taken.

    Raises:
        CatalogueError: the list cannot be read, or names what it should not.
    """
    try:
        tables = tomllib.loads(path.read_text())["tool"]
        tools = tuple(_tool(name, table, path.parent / "go") for name, table in tables.items())
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CatalogueError(
            f"{path}: {type(error).__name__}: {error}; restore the file: git checkout {path}"
        ) from error
    return tools if prebuilt else tuple(tool.from_source() for tool in tools)


def chosen(tools: Iterable[Tool], *only: str) -> tuple[Tool, ...]:
    """Return the tools that serve any of `only`, or all of them where nothing is named."""
    return tuple(tool for tool in tools if not only or not tool.serves.isdisjoint(only))


def pinned_version(go_mod: Path, module: str) -> str:
    """Return the version, without its v, that a go.mod requires of a module.

    Raises:
        CatalogueError: the go.mod does not require it.
    """
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} v(\S+)", go_mod.read_text(), re.MULTILINE)
    if found is None:
        raise CatalogueError(f"{go_mod}: no version of {module} is required; restore the file: git checkout {go_mod}")
    return found[1]


def _tool(name: str, table: Mapping[str, Any], modules: Path) -> Tool:
    folder = modules / table["folder"]
    if not table["serves"] or not set(table["serves"]) <= set(SERVES):
        raise ValueError(f"tool.{name}.serves is {table['serves']!r}; accepted: a list of {', '.join(SERVES)}")
    return Tool(
        name=name,
        serves=frozenset(table["serves"]),
        folder=folder,
        build_s=table["build_s"],
        disk_gib=table["disk_gib"],
        prebuilt=Package(PACKAGES / f"{table['prebuilt']}.lock") if "prebuilt" in table else None,
        tags=tuple(table.get("tags", ())),
        stamp=_stamp(table, folder),
        programs=tuple(_program(each, program, table["serves"]) for each, program in table.get("programs", {}).items()),
        embedded=tuple(ModuleFiles(**files) for files in table.get("embedded", ())),
        files=tuple(ModuleFiles(**files) for files in table.get("files", ())),
    )


def _stamp(table: Mapping[str, Any], folder: Path) -> tuple[tuple[str, str], ...]:
    stamp = table.get("stamp", {})
    if "version_of" in table:
        version = pinned_version(folder / "go.mod", table["version_of"])
        major, minor, *_ = version.split(".")
        stamp = {name: value.format(version=version, major=major, minor=minor) for name, value in stamp.items()}
    return tuple(stamp.items())


def _program(name: str, table: Mapping[str, Any], serves: Iterable[str]) -> Program:
    return Program(
        name=name,
        package=table["package"],
        ask=tuple(table.get("ask", ())),
        suitable=_suitable(table["suitable"], serves) if "suitable" in table else None,
        beside=tuple(table.get("beside", ())),
        plugin=table.get("plugin"),
    )


def _suitable(ranges: str | Mapping[str, str], serves: Iterable[str]) -> dict[str, VersionRange]:
    """Read one range for all that a tool serves, or one for each."""
    each = (
        dict.fromkeys(serves, ranges) if isinstance(ranges, str) else {purpose: ranges[purpose] for purpose in serves}
    )
    return {purpose: VersionRange.parsed(text) for purpose, text in each.items()}
