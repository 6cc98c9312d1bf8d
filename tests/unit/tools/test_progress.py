import io

import pytest

from tests.unit.tools.conftest import Clock
from tools.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("tools.progress.time.monotonic", clock)
    return clock


def test_a_terminal_shows_one_line_that_changes(clock: Clock) -> None:
    terminal = Terminal()
    line = Progress("etcd", terminal)
    clock.now += 65
    line.update("10 packages")
    line.finish("built")

    assert terminal.getvalue() == (
        "\r\x1b[K  etcd                  1:05 10 packages\r\x1b[K  etcd                  1:05 built\n"
    )


def test_a_log_gets_a_line_every_fifteen_seconds(clock: Clock) -> None:
    log = io.StringIO()
    line = Progress("etcd", log)
    for second in range(31):
        clock.now = 100.0 + second
        line.update(f"at {second}")

    assert [text.split()[-1] for text in log.getvalue().splitlines()] == ["15", "30"]
