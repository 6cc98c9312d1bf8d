"""The packages that a program's Python has, and the Pulumi plugins that they need."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from tools.language_host.errors import LanguageHostError

_WITHOUT_PLUGIN = frozenset({"pulumi-policy"})
_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?:(a|b|rc)(\d+))?(?:\.dev(\d+))?(?:\+([\w.]+))?")
_PRERELEASES = {"a": "alpha", "b": "beta", "rc": "rc"}


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A resource plugin that a package needs; the version starts with a v.

    Attributes:
        parameterization: what pulumi-plugin.json says under that key, for a package that was generated for another
            plugin's parameters.
        extension: the same under `extensionParameterization`.
    """

    name: str
    version: str
    server: str = ""
    parameterization: dict[str, Any] | None = None
    extension: dict[str, Any] | None = None


def installed_packages(search_path: Sequence[str], *, transitive: bool) -> list[tuple[str, str]]:
    """Return name and version of each installed package, or of those that no other one requires."""
    found = {_name(distribution): distribution for distribution in _distributions(search_path)}
    required = set() if transitive else {name for item in found.values() for name in _requirements(item)}
    return sorted((name, item.version) for name, item in found.items() if name not in required)


def required_plugins(search_path: Sequence[str]) -> list[Plugin]:
    """Return the plugins of the installed Pulumi packages, by name.

    A package is one if it carries a `pulumi-plugin.json` or its name starts with `pulumi-`. What the file does not
    say comes from the package's own name and version; where no plugin version follows from it, there is none.

    Raises:
        LanguageHostError: a pulumi-plugin.json cannot be read.
    """
    plugins = (_plugin(distribution) for distribution in _distributions(search_path))
    return sorted((plugin for plugin in plugins if plugin), key=lambda plugin: plugin.name)


def plugin_version(release: str) -> str | None:
    """Return the semantic version of a Python release, such as 1.2.3-alpha.4 of 1.2.3a4."""
    found = _RELEASE.fullmatch(release)
    if found is None:
        return None
    major, minor, patch, stage, number, dev, local = found.groups()
    pre = [f"{_PRERELEASES[stage]}.{number}"] if stage else []
    pre += [f"dev.{dev}"] if dev else []
    return f"{major}.{minor}.{patch or 0}" + (f"-{'.'.join(pre)}" if pre else "") + (f"+{local}" if local else "")


def _distributions(search_path: Sequence[str]) -> Iterable[Distribution]:
    return distributions(path=list(search_path))


def _name(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()


def _requirements(distribution: Distribution) -> Iterator[str]:
    for requirement in distribution.requires or ():
        if "extra ==" not in requirement and (found := re.match(r"[\w.-]+", requirement)):
            yield re.sub(r"[-_.]+", "-", found[0]).lower()


def _plugin(distribution: Distribution) -> Plugin | None:
    name = _name(distribution)
    said = _said(Path(str(distribution.locate_file(name.replace("-", "_")))) / "pulumi-plugin.json")
    if said is None and (not name.startswith("pulumi-") or name in _WITHOUT_PLUGIN):
        return None
    said = said or {"resource": True}
    version = said.get("version") or plugin_version(distribution.version)
    if not said.get("resource") or version is None:
        return None
    return Plugin(
        name=said.get("name") or name.removeprefix("pulumi-"),
        version=f"v{version.removeprefix('v')}",
        server=said.get("server") or "",
        parameterization=said.get("parameterization"),
        extension=said.get("extensionParameterization"),
    )


def _said(path: Path) -> dict[str, Any] | None:
    try:
        said = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise LanguageHostError(f"{path} cannot be read: {error}; install its package again") from error
    return said if isinstance(said, dict) else None
