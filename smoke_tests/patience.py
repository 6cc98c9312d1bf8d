"""Asking again: the tests ask faster than one client may, where the door limits that."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from smoke_tests.errors import BusyError

_LOOK_S = 0.25
_PATIENCE_S = 10.0

_Answer = TypeVar("_Answer")


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Ask until the door has not had enough any more.

    Args:
        ask: a request, whole.

    Raises:
        BusyError: it goes on having enough: others use up what this client may ask.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return ask()
        except BusyError:
            if time.monotonic() >= deadline:
                raise
        threading.Event().wait(_LOOK_S)
