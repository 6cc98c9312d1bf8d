"""Servers that a test runs beside itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

_LOOK_S = 0.01


@contextmanager
def in_background(server: BaseServer) -> Iterator[None]:
    """Serve while the context lasts.

    By itself socketserver looks twice a second whether it is to end, and each test that has one would wait for that.
    """
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": _LOOK_S})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
