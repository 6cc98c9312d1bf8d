"""The strangers' own tools: what they send is what they say, and what comes back is read rightly."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.strangers import disguised, http2, oversized, parsed, unbounded
from tests.faults.strangers.answers import is_final, statuses_from_answer
from tests.faults.strangers.connection import Target, ask
from tests.faults.strangers.crowds import Manner, hold
from tests.faults.strangers.messages import LENGTH, Attack, nested_of_size
from tests.faults.strangers.siege import counted

TARGET = Target(host="127.0.0.1", port=1, base="/stack", model="model")
ALL: tuple[Attack, ...] = (
    *unbounded.UNBOUNDED, *parsed.BOUNDED, *disguised.SPELT, *disguised.LYING, *disguised.PACKED,
    *oversized.QUESTIONS, *oversized.TOO_MUCH, *oversized.BORNE, *http2.REQUESTS, *http2.FLOODS,
)  # fmt: skip


def test_each_kind_has_a_name_of_its_own_and_says_what_it_is() -> None:
    assert len({attack.__name__ for attack in ALL}) == len(ALL)
    assert all(attack.__doc__ for attack in ALL)


@pytest.mark.parametrize("attack", parsed.BOUNDED, ids=lambda attack: attack.__name__)
def test_what_is_within_the_bounds_is(attack: Attack) -> None:
    head, _, body = b"".join(attack(TARGET)).partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])

    assert int(fields["Content-Length"]) == len(body)
    if attack is not parsed.unknown_length:
        assert int(fields.get(LENGTH, 0)) < 10_000
        assert LENGTH in fields or len(body) <= 8_192


def test_brackets_are_closed_and_fill_the_size() -> None:
    body = nested_of_size(501)

    assert len(body) in {500, 501}
    assert "inputs" in json.loads(body)


@pytest.mark.parametrize(
    ("answer", "statuses"),
    [
        (b"", ()),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\n\r\n", (100, 413)),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", (404,)),
        (http2.frame(4, 0, 0) + http2.frame(1, 5, 1, b"\x88"), (200,)),
        (http2.frame(1, 5, 1, b"\x8c") + http2.frame(1, 5, 3, b"\x8e"), (400, 500)),
        (http2.frame(1, 5, 1, b"\x48\x03413") + http2.frame(1, 5, 3, b"\xc1"), (413, 413)),
        (http2.frame(1, 5, 1, b"\x3f\xe1\x1f\x4e\x03503"), (503,)),
        (http2.frame(1, 5, 1, b"\x20\x4e\x03503"), (503,)),
        (http2.frame(1, 5, 1, b"\x4e\x03503")[:-1], ()),
        (http2.frame(1, 5, 1, b"\x48\x82\x6c\x02"), (502,)),
    ],
)  # fmt: skip
def test_statuses_are_read(answer: bytes, statuses: tuple[int, ...]) -> None:
    assert statuses_from_answer(answer) == statuses
    assert is_final(answer) == any(status >= 200 for status in statuses)


@contextmanager
def server(answer: bytes) -> Iterator[Target]:
    """A server that reads once, answers, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1 << 16)
                    connection.sendall(answer)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield Target(host="127.0.0.1", port=listening.getsockname()[1], base="", model="model", address="127.0.0.1")
        listening.shutdown(socket.SHUT_RDWR)
    serving.join(5)


def test_an_end_says_what_came_back() -> None:
    with server(b"HTTP/1.1 413 Too Large\r\n\r\ntoo large") as target:
        end = ask(target, [b"much"], patience_s=5)

    assert (end.status, end.said, end.closed, end.sent_bytes) == (413, "too large", True, 4)
    assert str(end).startswith("413 after 0.")


def test_an_end_without_an_answer_is_one() -> None:
    with server(b"") as target:
        end = ask(target, [b"much"], patience_s=5)

    assert (end.status, end.closed) == (None, True)
    assert counted([end]) == "1 x closed"


def test_a_crowd_knows_what_became_of_it() -> None:
    with server(b"HTTP/1.1 429 Too Many\r\n\r\n") as target:
        crowd = hold([target], lambda _: Manner(first=b"x"), count=5, during_s=10)

    assert (crowd.opened, crowd.refused, crowd.closed, crowd.answered) == (5, 0, 5, 5)
    assert crowd.first.startswith(b"HTTP/1.1 429")
