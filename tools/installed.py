"""Programs that the machine has already, and whether they serve."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.cache import Cache
from tools.catalogue import FOLDER, Program, Tool
from tools.plugins import plugin_path
from tools.versions import Version, VersionRange, version_in

_ANSWER_S = 10


@dataclass(frozen=True)
class Verdict:
    """Whether an installed program serves: where it is, or why none does."""

    path: Path | None
    reason: str


class Installed:
    """The programs on PATH and among Pulumi's plugins, our own left out.

    What a program answers when it is asked for its version is remembered in the cache, by its path, size and time
    of change, so that asking again costs nothing.
    """

    def __init__(self, cache: Cache, environment: dict[str, str] | None = None) -> None:
        self._cache = cache
        self._environment = dict(os.environ) if environment is None else environment
        folders = self._environment.get("PATH", os.defpath).split(os.pathsep)
        self._path = os.pathsep.join(folder for folder in folders if folder and not self._is_ours(Path(folder)))
        self._memory = cache.folder / "versions.json"
        self._versions = _remembered(self._memory)

    def serves(self, tool: Tool, purposes: Collection[str] = ()) -> bool:
        """Say whether installed programs serve instead of the whole tool; a tool of files alone never does.

        Args:
            tool: the tool.
            purposes: what it is wanted for; nothing stands for all that it can serve.
        """
        return bool(tool.programs) and all(self.verdict(program, purposes).path for program in tool.programs)

    def verdict(self, program: Program, purposes: Collection[str] = ()) -> Verdict:
        """Find the installed program and judge it by all that it is wanted for."""
        if program.suitable is None:
            return Verdict(None, "always built")
        plugin = plugin_path(program, self._environment)
        if plugin and os.access(plugin, os.X_OK) and not self._is_ours(plugin):
            return Verdict(plugin, "a Pulumi plugin")
        found = shutil.which(program.name, path=self._path)
        if found is None:
            return Verdict(None, "not on PATH")
        ranges = [each for purpose, each in program.suitable.items() if not purposes or purpose in purposes]
        return self._judged(Path(found), program, ranges)

    def _judged(self, path: Path, program: Program, ranges: Iterable[VersionRange]) -> Verdict:
        absent = [name for name in program.beside if not (path.resolve().parent / name).exists()]
        if absent:
            return Verdict(None, f"{path} has no {', '.join(absent)} beside it")
        version = self._version(path, program.ask)
        if version is None:
            return Verdict(None, f"{path} does not tell its version")
        text = ".".join(map(str, version))
        unmet = next((each for each in ranges if version not in each), None)
        return Verdict(path, text) if unmet is None else Verdict(None, f"{path} is {text}, not {unmet}")

    def _is_ours(self, path: Path) -> bool:
        resolved = path.resolve()
        return resolved.is_relative_to(self._cache.folder.resolve()) or resolved == FOLDER / "bin"

    def _version(self, path: Path, ask: tuple[str, ...]) -> Version | None:
        status = path.stat()
        key = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {' '.join(ask)}"
        if key not in self._versions and (version := _asked(path, ask, self._environment | {"PATH": self._path})):
            self._versions[key] = list(version)
            self._remember()
        return tuple(self._versions[key]) if key in self._versions else None

    def _remember(self) -> None:
        with contextlib.suppress(OSError):  # a memory that cannot be written is only slow
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self._memory.parent, delete=False) as file:
                json.dump(self._versions, file, indent=1)
            Path(file.name).rename(self._memory)


def _asked(path: Path, ask: tuple[str, ...], environment: dict[str, str]) -> Version | None:
    quiet = environment | {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [path, *ask], check=False, capture_output=True, text=True, errors="replace", timeout=_ANSWER_S, env=quiet
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return version_in(answer.stdout) if answer.returncode == 0 else None


def _remembered(memory: Path) -> dict[str, list[int]]:
    try:
        versions = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return versions if isinstance(versions, dict) else {}
