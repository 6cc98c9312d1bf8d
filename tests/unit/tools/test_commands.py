import os
import select
import time
from pathlib import Path

import pytest

from tools.commands import CommandDeadlineError, run_followed


def test_lines_and_output_come_apart() -> None:
    lines: list[str] = []

    ended = run_followed(["sh", "-c", "echo out; echo err >&2; exit 3"], environment=os.environ, on_line=lines.append)

    assert (ended.status, ended.printed, lines) == (3, "out\n", ["err\n"])


def test_a_command_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    script = f"sh -c 'echo $$ >{tmp_path}/fifo; exec sleep 1000' & wait"
    child: list[int] = []

    with pytest.raises(CommandDeadlineError, match="'sh' did not end within 0 s"):
        run_followed(
            ["sh", "-c", script],
            environment=os.environ,
            on_line=print,
            on_tick=lambda: child or child.append(os.pidfd_open(int((tmp_path / "fifo").read_text()))),
            deadline_s=0.1,
        )

    assert select.select([child[0]], [], [], 10)[0], "the child still runs"


def test_what_a_tick_raises_ends_the_command() -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_followed(["sleep", "1000"], environment=os.environ, on_line=print, on_tick=interrupt)

    assert time.monotonic() - started < 100
