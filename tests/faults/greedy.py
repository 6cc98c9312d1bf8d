"""A greedy client: it asks as often as it is answered, many times at once, from an address of its own."""

import http.client
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from smoke_tests.endpoint import Endpoint
from smoke_tests.wire import Message

ADDRESS = "127.0.0.9"
"""Of this machine's loopback, and not that of the other clients."""

_AT_ONCE = 24
_PATIENCE_S = 60


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """How the door turns a client away."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Greedy:
    """A greedy client that asks while its context lasts.

    Args:
        url: of the stack, on this machine's loopback.
        path: after the URL, with its leading slash.
        message: what it asks.
    """

    def __init__(self, url: str, path: str, message: Message) -> None:
        self._endpoint = Endpoint.from_url(url)
        self._path, self._message = self._endpoint.base + path, message
        self._ending = threading.Event()
        self._asking = [threading.Thread(target=self._ask) for _ in range(_AT_ONCE)]
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()
        self.refusals: list[Refusal] = []

    def __enter__(self) -> Self:
        for thread in self._asking:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._asking:
            thread.join()

    def _ask(self) -> None:
        here, there = (ADDRESS, 0), (self._endpoint.host, self._endpoint.port)
        connection = http.client.HTTPConnection(*there, timeout=_PATIENCE_S, source_address=here)
        while not self._ending.is_set():
            connection.request("POST", self._path, self._message.body, dict(self._message.headers))
            response = connection.getresponse()
            body = response.read()
            with self._lock:
                self.statuses[response.status] += 1
                if response.status == http.client.TOO_MANY_REQUESTS:
                    self.refusals.append(Refusal(headers=dict(response.headers), body=body))
        connection.close()
