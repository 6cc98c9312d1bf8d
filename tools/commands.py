"""Running a long command: its lines are read as they come, and nothing of it outlives this process."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.errors import ToolsError
from tools.progress import TICK_S


class CommandDeadlineError(ToolsError):
    """A command has not ended in its time, and was killed."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: its exit status.
        printed: all that it wrote to standard output.
    """

    status: int
    printed: str


def run_followed(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    inherited: Sequence[int] = (),
    on_line: Callable[[str], None],
    on_tick: Callable[[], None] = lambda: None,
    deadline_s: float | None = None,
) -> Ended:
    """Run a command to its end; an exception that arises meanwhile, Ctrl-C above all, kills it with its children.

    Args:
        command: with its arguments.
        environment: all of what it runs in.
        cwd: the folder that it runs in.
        inherited: descriptors that stay open in it, and in its children.
        on_line: takes each line that it writes to standard error, in a thread of its own.
        on_tick: called about once a second.
        deadline_s: how long it may take.

    Raises:
        OSError: it cannot be started.
        CommandDeadlineError: it took longer than `deadline_s`.
    """
    printed: list[str] = []
    ends = None if deadline_s is None else time.monotonic() + deadline_s
    process: subprocess.Popen[str] | None = None
    try:
        with _interrupts_held():  # until there is a process to end
            process = _started(command, environment, cwd, inherited)
        readers = [
            threading.Thread(target=_read, args=[process.stderr, on_line], daemon=True),
            threading.Thread(target=_read, args=[process.stdout, printed.append], daemon=True),
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            while reader.is_alive():
                reader.join(TICK_S)
                on_tick()
                if ends is not None and time.monotonic() > ends:
                    raise CommandDeadlineError(f"'{command[0]}' did not end within {deadline_s:.0f} s")
        return Ended(process.wait(), "".join(printed))
    finally:
        if process is not None:
            _end(process)


def _started(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path | None, inherited: Sequence[int]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        # a session of its own: the terminal's Ctrl-C reaches this process alone, which then ends all of the command's
        start_new_session=True,
        pass_fds=inherited,
    )


def _read(stream: IO[str], take: Callable[[str], None]) -> None:
    for line in stream:
        take(line)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let signals that would end this process wait, so that nothing is started and then forgotten."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
