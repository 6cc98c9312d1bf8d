"""What Debian's packages bring to a cluster: `tools/debian.toml`, the one list, as this folder needs it."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_LIST = Path(__file__).parent.parent / "tools" / "debian.toml"
_CNI = "containernetworking-plugins"


@dataclass(frozen=True, kw_only=True)
class CniPlugins:
    """The plugins that make a pod's network.

    Attributes:
        package: the Debian package that has them.
        names: files that must be there, all in one folder.
        folders: where they may lie, by packager.
    """

    package: str
    names: tuple[str, ...]
    folders: tuple[Path, ...]


@cache
def package_of_program() -> dict[str, str]:
    """Return the distribution's programs that a cluster needs, each with the package that has it."""
    tables = tomllib.loads(_LIST.read_text(encoding="utf-8"))
    return {
        program: package
        for package, table in tables.items()
        if "cluster" in table["purposes"]
        for program in table.get("programs", ())
    }


@cache
def cni_plugins() -> CniPlugins:
    """Return the plugins of the pods' network."""
    table = tomllib.loads(_LIST.read_text(encoding="utf-8"))[_CNI]
    return CniPlugins(package=_CNI, names=tuple(table["files"]), folders=tuple(map(Path, table["folders"])))
