"""What a machine may lack: `python3 -m tools venv | uv | build | path | share | list | debian | tensorrt`.

Runs on Python's standard library alone: it is what makes the virtual environment.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from tools.builds import build_missing
from tools.cache import Cache
from tools.catalogue import FOLDER, SERVES, Tool, catalogue, chosen
from tools.debian import PURPOSES, install_missing
from tools.errors import BuildError, ToolsError
from tools.installed import Installed
from tools.plugins import link_plugins
from tools.privileges import become_caller
from tools.tensorrt import ensure_tensorrt, environment_of, releases
from tools.venv import ensure_uv, ensure_venv

_INTERRUPTED = 130


def main() -> int:
    """Run one command; errors that a user can cause end in a line on standard error and status 1."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)
    arguments = _parser().parse_args()
    become_caller()
    try:
        _run(arguments)
    except ToolsError as error:
        if isinstance(error, BuildError) and error.output:
            print(error.output, file=sys.stderr)
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing half-built is left; the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _run(arguments: argparse.Namespace) -> None:
    cache = Cache.of_user()
    if arguments.command == "venv":
        ensure_venv(cache.folder)
        return
    if arguments.command == "uv":
        print(ensure_uv(cache.folder))
        return
    if arguments.command == "debian":
        install_missing(arguments.only)
        return
    if arguments.command == "tensorrt":
        print(environment_of(ensure_tensorrt(releases()[arguments.version], cache)))
        return
    tools = catalogue()
    installed = Installed(cache)
    wanted = chosen(tools, *getattr(arguments, "only", ()))
    match arguments.command:
        case "build":
            lacking = [tool for tool in wanted if not installed.serves(tool)]
            build_missing(lacking, cache)
            link_plugins(lacking, cache, os.environ)
        case "path":
            print(_path(wanted, cache, installed))
        case "share":
            print(_share(tools, cache))
        case "list":
            print(_table(wanted, cache, installed))


def _path(tools: tuple[Tool, ...], cache: Cache, installed: Installed) -> str:
    """Return the folders of what was built and is used, then the clone's own, joined by colons."""
    used = (tool for tool in tools if not installed.serves(tool))
    folders = (cache.product(tool) / "bin" for tool in used if not any(program.plugin for program in tool.programs))
    return os.pathsep.join(str(folder) for folder in [*filter(Path.exists, folders), FOLDER / "bin"])


def _share(tools: tuple[Tool, ...], cache: Cache) -> str:
    """Return the folder of the one tool that publishes the cluster's data, be it built yet or not."""
    cluster = chosen(tools, "cluster")
    (tool,) = (tool for tool in cluster if any(files.to.startswith("share/") for files in tool.files))
    return str(cache.product(tool) / "share")


def _table(tools: tuple[Tool, ...], cache: Cache, installed: Installed) -> str:
    """Return a line for each program: its name, what serves, and why."""
    lines = []
    for tool in tools:
        is_built = cache.product(tool).exists()
        state = "installed" if installed.serves(tool) else "built" if is_built else "to be built"
        for program in tool.programs:
            verdict = installed.verdict(program)
            what = f"{verdict.path} ({verdict.reason})" if verdict.path else verdict.reason
            lines.append(f"{program.name:<27} {state:<12} {what}")
        if not tool.programs:
            lines.append(f"{tool.name:<27} {state:<12} files")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("build", "build the programs that the machine lacks"),
        ("path", "print the folders that must stand first on PATH, joined by colons"),
        ("list", "print each program and what serves as it"),
    ):
        commands.add_parser(command, help=text).add_argument("--only", nargs="+", choices=SERVES, default=())
    commands.add_parser("venv", help="make .venv hold what requirements.lock names")
    commands.add_parser("uv", help="print the path of uv, which is installed where it is missing")
    commands.add_parser("share", help="print the folder with the Gateway API's and Traefik's definitions")
    debian = commands.add_parser("debian", help="install the Debian packages that the machine lacks")
    debian.add_argument("--only", choices=PURPOSES)
    tensorrt = commands.add_parser("tensorrt", help="install a whole TensorRT and print the environment that finds it")
    tensorrt.add_argument("version", choices=releases())
    return parser


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
