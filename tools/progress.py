"""Lines that show how far a long step is."""

import sys
import time
from typing import TextIO

TICK_S = 1.0  # how often a caller should update
_QUIET_S = 15.0


class Progress:
    """One step's line: refreshed in place on a terminal, otherwise a new one every 15 seconds.

    Args:
        name: what the step is called, first in each line.
        stream: where the lines go.
    """

    def __init__(self, name: str, stream: TextIO = sys.stderr) -> None:
        self._name = name
        self._stream = stream
        self._in_place = stream.isatty()
        self._started = time.monotonic()
        self._written = self._started

    def update(self, text: str) -> None:
        """Show the step's state, unless a line of the last 15 seconds stands in a log already."""
        now = time.monotonic()
        if self._in_place:
            self._write(f"\r\x1b[K{self._line(text)}")
        elif now - self._written >= _QUIET_S:
            self._written = now
            self._write(self._line(text) + "\n")

    def finish(self, text: str) -> None:
        """Show the step's last state and end the line."""
        start = "\r\x1b[K" if self._in_place else ""
        self._write(f"{start}{self._line(text)}\n")

    def _line(self, text: str) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"  {self._name:<20} {minutes:>2}:{seconds:02} {text}"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
