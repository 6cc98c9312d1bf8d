"""What a machine may lack: `python3 -m tools venv | uv | ready | build | environment | …`.

Runs on Python's standard library alone: it is what makes the virtual environment.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from types import FrameType

from tools import package
from tools.answers import environment, path, share, table
from tools.builds import build_missing
from tools.cache import Cache
from tools.catalogue import SERVES, Tool, catalogue, chosen
from tools.debian import PURPOSES, install_missing, missing_packages
from tools.errors import BuildError, ToolsError
from tools.installed import Installed
from tools.plugins import install_plugins, link_plugins
from tools.prebuilt import is_allowed, package_folder
from tools.privileges import as_root, become_caller
from tools.prune import prune
from tools.tensorrt import ensure_tensorrt, environment_of, releases
from tools.venv import ensure_uv, ensure_venv, uv_folder

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
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _run(arguments: argparse.Namespace) -> None:
    cache = Cache.of_user()
    prebuilt = is_allowed(os.environ)
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
    _run_on_tools(arguments, cache, prebuilt=prebuilt)


def _run_on_tools(arguments: argparse.Namespace, cache: Cache, *, prebuilt: bool) -> None:
    tools = catalogue(prebuilt=prebuilt)
    installed = Installed(cache)
    purposes = getattr(arguments, "only", ())
    wanted = chosen(tools, *purposes)
    match arguments.command:
        case "ready":
            is_for_cluster = "cluster" in purposes
            if arguments.first and (
                _lacking(wanted, purposes, cache, installed) or (is_for_cluster and missing_packages(None, os.environ))
            ):
                _run_first(shlex.split(arguments.first))
            if is_for_cluster:
                install_missing(None)
            _build(wanted, purposes, cache, installed, prebuilt=prebuilt)
            print(environment(tools, cache, installed))
        case "environment":
            print(environment(tools, cache, installed))
        case "build":
            _build(wanted, purposes, cache, installed, prebuilt=prebuilt)
        case "path":
            print(path(wanted, cache, installed))
        case "share":
            print(share(tools, cache))
        case "list":
            print(table(wanted, purposes, cache, installed))


def _lacking(wanted: Sequence[Tool], purposes: Collection[str], cache: Cache, installed: Installed) -> list[Tool]:
    """Return the tools that neither the machine nor the cache has."""
    return [tool for tool in wanted if not installed.serves(tool, purposes) and not cache.found(tool)]


def _run_first(command: Sequence[str]) -> None:
    """Have a command look at the machine before it is changed; where it fails, it has said why, and all ends."""
    with as_root():
        status = subprocess.run(command, check=False, stdout=sys.stderr).returncode
    if status != 0:
        raise SystemExit(status)


def _build(
    wanted: Sequence[Tool], purposes: Collection[str], cache: Cache, installed: Installed, *, prebuilt: bool
) -> None:
    """Make what the machine lacks, and then remove what older pins have left."""
    lacking = _lacking(wanted, purposes, cache, installed)
    if pulumi := _installed_pulumi(wanted, purposes, installed) if prebuilt and lacking else None:
        lacking = install_plugins(lacking, pulumi, os.environ)
    build_missing(lacking, cache, go_package=package.GO if prebuilt else None)
    link_plugins([tool for tool in wanted if not installed.serves(tool, purposes)], cache, os.environ)
    if not lacking:
        return
    everything = [each for tool in catalogue() for each in (tool, tool.from_source())]
    places = [*map(cache.product, everything), package_folder(package.GO, cache), uv_folder(cache.folder)]
    for place in prune(places, cache):
        print(f"removed {place}, which nothing has used for two weeks", file=sys.stderr)


def _installed_pulumi(wanted: Sequence[Tool], purposes: Collection[str], installed: Installed) -> Path | None:
    """Return the Pulumi that the machine had already, if it serves."""
    programs = (program for tool in wanted for program in tool.programs if program.name == "pulumi")
    return next((found for program in programs if (found := installed.verdict(program, purposes).path)), None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, text in (
        ("ready", "install and build what the machine lacks, then print the environment"),
        ("build", "build the programs that the machine lacks"),
        ("path", "print the folders that must stand first on PATH, joined by colons"),
        ("list", "print each program and what serves as it"),
    ):
        commands.add_parser(command, help=text).add_argument("--only", nargs="+", choices=SERVES, default=())
    commands.choices["ready"].add_argument(
        "--first", metavar="COMMAND", help="what must succeed before anything is installed or built, if anything is"
    )
    commands.add_parser("venv", help="make .venv hold what requirements.lock names")
    commands.add_parser("uv", help="print the path of uv, which is installed where it is missing")
    commands.add_parser("share", help="print the folder with the Gateway API's and Traefik's definitions")
    commands.add_parser("environment", help="print the variables that programs need to find the tools, as JSON")
    debian = commands.add_parser("debian", help="install the Debian packages that the machine lacks")
    debian.add_argument("--only", choices=PURPOSES)
    tensorrt = commands.add_parser("tensorrt", help="install a whole TensorRT and print the environment that finds it")
    tensorrt.add_argument("version", choices=releases())
    return parser


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
