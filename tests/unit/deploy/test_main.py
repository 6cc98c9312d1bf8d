import os
import signal
import sys
from collections.abc import Iterator

import pytest

from deploy import __main__ as module


@pytest.fixture(autouse=True)
def _handler_of_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_whoever_cancels_a_job_interrupts_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    monkeypatch.setattr(sys, "argv", ["deploy", "url"])
    monkeypatch.setitem(module._VERBS, "url", lambda _stack: os.kill(os.getpid(), signal.SIGTERM))  # noqa: SLF001

    assert module.main() == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on from here\n"
