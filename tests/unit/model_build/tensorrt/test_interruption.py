"""A signal ends a build when TensorRT gives the word back, and not inside of its callbacks."""

import os
import signal
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from model_build.errors import PlanError
from model_build.tensorrt.interruption import held_interrupts, progress_until

TRT = SimpleNamespace(IProgressMonitor=object)


@pytest.fixture
def _both_interrupt() -> Any:
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_both_interrupt")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_held_until_the_end(number: int) -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), held_interrupts() as came:  # noqa: PT012  what is reached is the point
        steps.append(came.is_set())
        os.kill(os.getpid(), number)
        steps.append(came.is_set())
    assert steps == [False, True]
    assert signal.getsignal(number) is signal.default_int_handler


@pytest.mark.usefixtures("_both_interrupt")
def test_an_interrupted_build_is_no_failed_one() -> None:
    with pytest.raises(KeyboardInterrupt), held_interrupts():  # noqa: PT012  the signal comes first
        os.kill(os.getpid(), signal.SIGTERM)
        raise PlanError("the build was cancelled")


@pytest.mark.usefixtures("_both_interrupt")
def test_without_a_signal_nothing_is_raised() -> None:
    with held_interrupts() as came:
        pass
    assert not came.is_set()


@pytest.mark.usefixtures("_both_interrupt")
def test_a_signal_that_would_not_interrupt_keeps_its_own_handler() -> None:
    handled = []
    signal.signal(signal.SIGTERM, lambda *_: handled.append(True))
    with held_interrupts():
        os.kill(os.getpid(), signal.SIGTERM)
    assert handled == [True]


def test_a_build_ends_at_its_next_step() -> None:
    came = Event()
    monitor = progress_until(came, TRT)
    monitor.phase_start("tactics", None, 9)
    assert monitor.step_complete("tactics", 0)
    came.set()
    assert not monitor.step_complete("tactics", 1)
    monitor.phase_finish("tactics")


def test_a_tensorrt_without_progress_monitors_gets_none() -> None:
    assert progress_until(Event(), SimpleNamespace()) is None
