"""Downloading the next tools' modules while one is compiled, which leaves the network idle and else waits for it."""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tools.catalogue import Tool
from tools.errors import ToolsError
from tools.go_commands import GoCommands, Output


class _StoppedError(Exception):
    """The run that would have used the modules is over."""


class Prefetch:
    """Asks for each tool's packages, in order, in a thread of its own: that downloads their modules and counts them.

    What fails here is not reported: the build that needs it will say.

    Args:
        tools: in the order in which they are built.
        go: runs go.
    """

    def __init__(self, tools: Sequence[Tool], go: GoCommands) -> None:
        self._tools = tools
        self._go = go
        self._packages: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fetch_all, name="prefetch")

    def packages(self, tool: Tool) -> int | None:
        """Return how many packages a tool is made of, once that is known."""
        return self._packages.get(tool.name)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _fetch_all(self) -> None:
        for tool in self._tools:
            try:
                self._fetch(tool)
            except (ToolsError, OSError):
                continue
            except _StoppedError:
                return

    def _fetch(self, tool: Tool) -> None:
        modules = [files.module for files in (*tool.embedded, *tool.files) if files.module]
        if modules:
            self._go.run(["mod", "download", *modules], tool.folder, self._stop_if_told)
        if tool.programs:
            # -e: files that a build embeds are not there yet
            packages = [program.package for program in tool.programs]
            listed = self._go.run(
                ["list", "-e", "-deps", f"-tags={','.join(tool.tags)}", *packages], tool.folder, self._stop_if_told
            )
            self._packages[tool.name] = len(listed.splitlines())

    def _stop_if_told(self, _said: Output) -> None:
        if self._stop.is_set():
            raise _StoppedError
