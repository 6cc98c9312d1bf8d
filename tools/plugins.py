"""Pulumi's folder of plugins, where a provider lies: an installed `pulumi` brings its own, a built one is put there.

From PATH Pulumi would take it too, but with a warning in every preview.
"""

import os
import sys
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.cache import Cache
from tools.catalogue import Program, Tool
from tools.commands import CommandDeadlineError, run_followed
from tools.errors import ToolsError
from tools.progress import Progress

_DEADLINE_S = 300.0


def plugin_path(program: Program, environment: Mapping[str, str]) -> Path | None:
    """Return where Pulumi looks for a program that is a plugin; None for any other."""
    if program.plugin is None:
        return None
    home = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return home / "plugins" / program.plugin / program.name


def install_plugins(tools: Iterable[Tool], pulumi: Path, environment: Mapping[str, str]) -> list[Tool]:
    """Have an installed Pulumi fetch those of the tools that are its plugins, and return those still lacking.

    Args:
        tools: what the machine lacks.
        pulumi: the installed program: whoever trusts its makers with it trusts them with its plugins.
        environment: what it runs in.
    """
    lacking = []
    for tool in tools:
        plugins = [program for program in tool.programs if program.plugin]
        if not plugins or not all(_is_installed(program, pulumi, environment) for program in plugins):
            lacking.append(tool)
    return lacking


def _is_installed(program: Program, pulumi: Path, environment: Mapping[str, str]) -> bool:
    kind, name, version = str(program.plugin).split("-")
    progress = Progress(program.name)
    lines: deque[str] = deque(maxlen=1)
    try:
        ended = run_followed(
            [str(pulumi), "plugin", "install", kind, name, version],
            environment={"PULUMI_SKIP_UPDATE_CHECK": "true", **environment},
            on_line=lambda line: lines.append(line.strip()),
            on_tick=lambda: progress.update("asking the installed pulumi for it"),
            deadline_s=_DEADLINE_S,
        )
        reason = " ".join(lines) or f"status {ended.status}"
    except (CommandDeadlineError, OSError) as error:
        reason = str(error)
    path = plugin_path(program, environment)
    if path is not None and os.access(path, os.X_OK):
        progress.finish(f"installed by {pulumi}")
        return True
    progress.finish("not to be had")
    sys.stderr.write(f"'pulumi plugin install {kind} {name} {version}': {reason}; {program.name} is built instead\n")
    return False


def link_plugins(tools: Iterable[Tool], cache: Cache, environment: Mapping[str, str]) -> None:
    """Make Pulumi's folder point at the plugins that were built; one that does so already is left alone.

    Raises:
        ToolsError: the folder cannot be written.
    """
    for tool in tools:
        for program in tool.programs:
            link = plugin_path(program, environment)
            target = (cache.found(tool) or cache.product(tool)) / "bin" / program.name
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
