"""apt, one call at a time: a line of progress while it works, its output where it fails, and an end to every call."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from typing import IO

from tools.errors import PackagesError
from tools.progress import TICK_S, Progress

_DEADLINE_S = 1800
_FAREWELL_S = 60  # for dpkg to finish the package that it is at
_ASK_S = 60
_SHOWN = 60  # characters of a line
_LAST_BYTES = 2000
_FLAGS = {"update": (), "install": ("--yes", "--no-install-recommends")}
_OPTIONS = (
    *("-o", "DPkg::Lock::Timeout=300"),
    # a server that is silent is given up after a while, and not at once
    *("-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30", "-o", "Acquire::Retries=2"),
    # nobody is there to be asked about a configuration file: the machine's own stays
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
)


class AptError(PackagesError):
    """apt-get has failed.

    Args:
        text: its reason in a line.
        output: all that it printed.
    """

    def __init__(self, text: str, output: str) -> None:
        super().__init__(text)
        self.output = output


def knows(packages: Sequence[str]) -> bool:
    """Say whether the lists that apt has know all of these packages."""
    command = ["apt-cache", "show", *packages]
    try:
        result = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_ASK_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def apt_get(command: str, *packages: str, deadline_s: float = _DEADLINE_S) -> None:
    """Run `apt-get update` or `apt-get install`, its output folded to one line that changes.

    An interrupt is passed on to apt-get, which first lets dpkg finish: half-installed packages would be in the way of
    every later call. A second interrupt ends all of it at once.

    Args:
        command: `update` or `install`.
        packages: what to install.
        deadline_s: how long it may take.

    Raises:
        AptError: it failed or took longer than `deadline_s`.
    """
    progress = Progress(f"apt-get {command}")
    with tempfile.TemporaryFile() as output:
        process = _started(["apt-get", *_OPTIONS, command, *_FLAGS[command], *packages], output)
        try:
            has_ended = _followed(process, output, progress, deadline_s)
        except KeyboardInterrupt:
            progress.finish("interrupted: what it is at ends first, Ctrl-C again ends it at once")
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        finally:
            _end(process)
        printed = _tail(output, output.seek(0, os.SEEK_END))
    if not has_ended:
        progress.finish("given up")
        raise AptError(f"it took longer than {deadline_s / 60:.0f} minutes", printed)
    if process.returncode != 0:
        progress.finish("failed")
        raise AptError(_reason(printed, process.returncode), printed)
    progress.finish("done")


def _started(command: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,  # a file, because a service that a package starts would hold a pipe open
        stderr=subprocess.STDOUT,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        # a session of its own: the terminal's Ctrl-C reaches this process alone, dpkg and its scripts never
        start_new_session=True,
    )


def _followed(process: subprocess.Popen[bytes], output: IO[bytes], progress: Progress, deadline_s: float) -> bool:
    """Show the line that a process is at until it ends; return False where it doesn't and was told to."""
    end = time.monotonic() + deadline_s
    while not _has_ended(process, TICK_S):
        lines = _tail(output, _LAST_BYTES).split("\n")
        progress.update(next((line.strip()[:_SHOWN] for line in reversed(lines) if line.strip()), ""))
        if time.monotonic() > end:
            process.send_signal(signal.SIGINT)
            _has_ended(process, _FAREWELL_S)
            return False
    return True


def _tail(output: IO[bytes], length: int) -> str:
    """Return the last bytes; the writer has the same place in the file, which must not move."""
    start = max(0, os.fstat(output.fileno()).st_size - length)
    return os.pread(output.fileno(), length, start).decode(errors="replace")


def _has_ended(process: subprocess.Popen[bytes], patience_s: float) -> bool:
    try:
        process.wait(timeout=patience_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _reason(printed: str, returncode: int) -> str:
    errors = [line for line in printed.splitlines() if line.startswith("E: ")]
    return errors[0].removeprefix("E: ") if errors else f"it ended with status {returncode}"
