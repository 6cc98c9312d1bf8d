"""Pulumi's folder of plugins, where a built provider is put so that any `pulumi` finds it as an installed one.

From PATH Pulumi would take it too, but with a warning in every preview.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.cache import Cache
from tools.catalogue import Program, Tool
from tools.errors import ToolsError


def plugin_path(program: Program, environment: Mapping[str, str]) -> Path | None:
    """Return where Pulumi looks for a program that is a plugin; None for any other."""
    if program.plugin is None:
        return None
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return home / "plugins" / program.plugin / program.name


def link_plugins(tools: Iterable[Tool], cache: Cache, environment: Mapping[str, str]) -> None:
    """Make Pulumi's folder point at the plugins that were built; one that does so already is left alone.

    Raises:
        ToolsError: the folder cannot be written.
    """
    for tool in tools:
        for program in tool.programs:
            link = plugin_path(program, environment)
            target = cache.product(tool) / "bin" / program.name
            if link is None or (link.is_symlink() and link.readlink() == target):
                continue
            try:
                _replace(link, target)
            except OSError as error:
                raise ToolsError(
                    f"{link} cannot be made: {error.strerror}; make its folder writable, or choose another: "
                    "export PULUMI_HOME=…"
                ) from error


def _replace(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.symlink_to(target)
    fresh.rename(link)
