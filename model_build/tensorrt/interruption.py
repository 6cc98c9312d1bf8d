"""Lets a signal end a build: TensorRT calls Python from code that drops what is raised there."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_interrupts() -> Iterator[Event]:
    """Hold back the signals that raise KeyboardInterrupt, and raise it when the block is left, however it is.

    Gives an event that is set as soon as one has come. Only for the main thread.
    """
    came = Event()
    held = [number for number in _SIGNALS if signal.getsignal(number) is signal.default_int_handler]
    for number in held:
        signal.signal(number, lambda *_: came.set())
    try:
        yield came
    finally:
        for number in held:
            signal.signal(number, signal.default_int_handler)
        if came.is_set():
            raise KeyboardInterrupt


def progress_until(came: Event, trt: Any) -> Any:
    """Return a progress monitor that ends a build at its next step once the event is set.

    None where TensorRT has no such thing, as before version 9: there a build goes on to its end.
    """
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, *_: object) -> None:
            """Nothing to do."""

        def phase_finish(self, *_: object) -> None:
            """Nothing to do."""

        def step_complete(self, *_: object) -> bool:
            return not came.is_set()

    return Monitor()
