"""What `python3 -m tools` answers about the tools that it has made ready."""

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from tools.cache import Cache
from tools.catalogue import FOLDER, Tool, chosen
from tools.installed import Installed
from tools.prune import mark_used


def environment(tools: Sequence[Tool], cache: Cache, installed: Installed) -> str:
    """Return the variables that programs need to find the tools, as a JSON object; PATH is what must stand first."""
    return json.dumps({"PATH": path(tools, cache, installed), "DENSENET_TOOLS_SHARE": share(tools, cache)})


def path(tools: Sequence[Tool], cache: Cache, installed: Installed) -> str:
    """Return the folders of what was made and is used, then the clone's own, joined by colons."""
    found = ((tool, cache.found(tool)) for tool in tools if not installed.serves(tool))
    used = [(tool, place) for tool, place in found if place]
    mark_used(place for _, place in used)
    folders = (place / "bin" for tool, place in used if not any(program.plugin for program in tool.programs))
    return os.pathsep.join(str(folder) for folder in [*filter(Path.exists, folders), FOLDER / "bin"])


def share(tools: Sequence[Tool], cache: Cache) -> str:
    """Return the folder of the one tool that publishes the cluster's data, be it built yet or not."""
    cluster = chosen(tools, "cluster")
    (tool,) = (tool for tool in cluster if any(files.to.startswith("share/") for files in tool.files))
    return str(cache.product(tool) / "share")


def table(tools: Sequence[Tool], purposes: Collection[str], cache: Cache, installed: Installed) -> str:
    """Return a line for each program: its name, what serves, and why."""
    lines = []
    for tool in tools:
        state = "installed" if installed.serves(tool, purposes) else _state(tool, cache)
        for program in tool.programs:
            verdict = installed.verdict(program, purposes)
            what = f"{verdict.path} ({verdict.reason})" if verdict.path else verdict.reason
            lines.append(f"{program.name:<27} {state:<13} {what}")
        if not tool.programs:
            lines.append(f"{tool.name:<27} {state:<13} files")
    return "\n".join(lines)


def _state(tool: Tool, cache: Cache) -> str:
    if tool.prebuilt and not cache.product(tool.from_source()).exists():
        return "fetched" if cache.found(tool) else "to be fetched"
    return "built" if cache.found(tool) else "to be built"
