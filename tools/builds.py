"""Building the tools that are missing, one after the other, each published whole or not at all."""

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.cache import BuildFolder, Cache
from tools.catalogue import ModuleFiles, Tool
from tools.errors import BuildError, DiskSpaceError
from tools.go_toolchain import GoCommands, release_of_toolchain
from tools.progress import Progress

_GIB = 2**30


def build_missing(tools: Sequence[Tool], cache: Cache) -> None:
    """Build those of the tools that the cache lacks.

    What was published before a failure or an interrupt stays; of the rest nothing does.

    Raises:
        ToolsError: Go is missing or too old, the cache cannot be written, the disk is too small, or a build has failed.
    """
    try:
        cache.remove_stale_builds(lambda path: _say(f"removing {path}, left by a build that was killed"))
        missing = [tool for tool in tools if not cache.product(tool).exists()]
        if missing:
            _build_all(missing, cache)
    except OSError as error:
        raise BuildError(
            f"{error.filename or cache.folder}: {error.strerror}; make {cache.folder} writable, with room for a build, "
            "or choose another place: export XDG_CACHE_HOME=…"
        ) from error


def _build_all(missing: Sequence[Tool], cache: Cache) -> None:
    release = release_of_toolchain(tool.folder for tool in missing)
    _check_disk(missing, cache)
    names = ", ".join(tool.name for tool in missing)
    _say(f"building with Go {release}, once for all clones, into {cache.folder}: {names}")
    started = time.monotonic()
    with cache.build_folder() as build_folder:
        for tool in missing:
            _build(tool, cache, build_folder)
        _say("removing the Go caches of this build")
    _say(f"built in {(time.monotonic() - started) / 60:.1f} minutes")


def _build(tool: Tool, cache: Cache, build_folder: BuildFolder) -> None:
    """Build and publish a tool, unless another process is at it: then wait, and take what it has published."""
    with cache.lock(tool, lambda: _say(f"waiting for another process that builds {tool.name}")):
        if not cache.product(tool).exists():
            cache.publish(tool, _built(tool, build_folder))


def _built(tool: Tool, build_folder: BuildFolder) -> Path:
    """Build a tool in the build folder and return the folder that is to be published."""
    progress = Progress(tool.name)
    go = GoCommands(build_folder)
    source = build_folder.path / "source" / tool.name
    product = build_folder.path / "product" / tool.name
    shutil.copytree(tool.folder, source)
    product.mkdir(parents=True)
    _copy(tool.embedded, source, source, go, progress)
    _copy(tool.files, source, product, go, progress)
    if tool.programs:
        go.run(_build_arguments(tool, product / "bin"), source, progress)
        _check_programs(tool, product / "bin")
    progress.finish("built")
    return product


def _build_arguments(tool: Tool, folder: Path) -> list[str]:
    folder.mkdir(exist_ok=True)
    # go names a program after its package, which for one alone need not be its name
    output = f"{folder}/" if len(tool.programs) > 1 else str(folder / tool.programs[0].name)
    packages = [program.package for program in tool.programs]
    return ["build", "-v", f"-tags={','.join(tool.tags)}", f"-ldflags={tool.ldflags()}", f"-o={output}", *packages]


def _check_programs(tool: Tool, folder: Path) -> None:
    absent = [program.name for program in tool.programs if not (folder / program.name).is_file()]
    if absent:
        raise BuildError(f"building {tool.name} gave no {', '.join(absent)}; its packages in programs.toml are wrong")


def _copy(wanted: Sequence[ModuleFiles], own: Path, target: Path, go: GoCommands, progress: Progress) -> None:
    folders = _module_folders([files.module for files in wanted if files.module], own, go, progress)
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


def _module_folders(modules: Sequence[str], own: Path, go: GoCommands, progress: Progress) -> dict[str, Path]:
    """Download modules at the versions that the go.mod in `own` pins, and return where they lie."""
    if not modules:
        return {}
    printed = go.run(["mod", "download", "-json", *modules], own, progress)
    decoder, folders = json.JSONDecoder(), {}
    while printed := printed.lstrip():
        module, end = decoder.raw_decode(printed)
        folders[module["Path"]] = Path(module["Dir"])
        printed = printed[end:]
    return folders


def _check_disk(missing: Sequence[Tool], cache: Cache) -> None:
    cache.folder.mkdir(parents=True, exist_ok=True)
    needed_gib = sum(tool.disk_gib for tool in missing)
    free_gib = shutil.disk_usage(cache.folder).free / _GIB
    if free_gib < needed_gib:
        raise DiskSpaceError(
            f"{cache.folder} has {free_gib:.1f} GiB free, but building needs {needed_gib}, most of it for a while; "
            "free some, or choose another disk: export XDG_CACHE_HOME=…"
        )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
