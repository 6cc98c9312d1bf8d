import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import BadAnswerError, NoAnswerError
from smoke_tests.wire import HEADER_LENGTH, Message, Reply, binary_message, exchange, json_message

TENSOR = np.arange(6, dtype=np.float32).reshape(1, 2, 3)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[Endpoint]:
    """Accept one connection of loopback and let a function answer it, then close it."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Endpoint.from_url(f"127.0.0.1:{listener.getsockname()[1]}/base")
        thread.join()


def ask(endpoint: Endpoint, message: Message | None = None, timeout_s: float = 20) -> Reply:
    return exchange(endpoint, "POST", "/path", message, timeout_s=timeout_s)


def test_binary_message_is_a_header_and_the_tensor() -> None:
    message = binary_message(TENSOR)
    length = int(message.headers[HEADER_LENGTH])
    (described,) = json.loads(message.body[:length])["inputs"]
    assert described == {
        "name": "input",
        "datatype": "FP32",
        "shape": [1, 2, 3],
        "parameters": {"binary_data_size": 24},
    }
    assert message.body[length:] == TENSOR.astype("<f4").tobytes()


def test_binary_message_can_lie() -> None:
    message = binary_message(TENSOR, name="other", shape=[9])
    (described,) = json.loads(message.body[: int(message.headers[HEADER_LENGTH])])["inputs"]
    assert (described["name"], described["shape"], described["datatype"]) == ("other", [9], "FP32")


def test_json_message_has_its_data_as_numbers() -> None:
    (described,) = json.loads(json_message(TENSOR).body)["inputs"]
    assert (described["shape"], described["data"]) == ([1, 2, 3], [0, 1, 2, 3, 4, 5])


def test_request_arrives_as_it_is() -> None:
    received = []

    def answer(connection: socket.socket) -> None:
        data = b""
        while not data.endswith(b"a mug"):
            data += connection.recv(65536)
        received.append(data)
        connection.sendall(b"HTTP/1.1 418 no\r\nContent-Length: 3\r\n\r\nwhy")

    with answering(answer) as endpoint:
        reply = ask(endpoint, Message(body=b"a mug", headers={"X-Any": "1"}))
    head, body = received[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST /base/path HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 5\r\n" in head
    assert b"\r\nX-Any: 1" in head
    assert (body, reply.status, reply.reason) == (b"a mug", 418, "why")


def test_missing_bytes_are_promised_and_never_sent() -> None:
    received = bytearray()

    def answer(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            received.extend(data)
        connection.sendall(b"HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n")

    with answering(answer) as endpoint:
        assert ask(endpoint, Message(body=b"a mug", missing_bytes=7)).status == 400
    assert b"\r\nContent-Length: 12\r\n" in received
    assert received.endswith(b"\r\n\r\na mug")


def test_answer_that_comes_before_the_body_was_read_is_read() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.sendall(b"HTTP/1.1 413 no\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large")

    with answering(answer) as endpoint:
        reply = ask(endpoint, Message(body=bytes(50_000_000)))
    assert (reply.status, reply.reason) == (413, "too large")


def test_silence_is_no_answer() -> None:
    def answer(connection: socket.socket) -> None:
        while connection.recv(65536):  # until the client gives up
            pass

    silence = r"^POST http://127.+/base/path: no answer within 0\.2 s$"
    with answering(answer) as endpoint, pytest.raises(NoAnswerError, match=silence):
        ask(endpoint, timeout_s=0.2)


@pytest.mark.parametrize("sent", [b"", b"220 mail ready\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_what_is_no_whole_http_is_no_answer(sent: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(sent)

    with answering(answer) as endpoint, pytest.raises(NoAnswerError, match=r"^POST http://127.+/base/path: ."):
        ask(endpoint)


def test_nobody_there_is_no_answer() -> None:
    with pytest.raises(NoAnswerError, match="Connection refused"):
        ask(Endpoint.from_url("127.0.0.1:1"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":"wrong shape"}', "wrong shape"),
        (b"404 page not found\n", "404 page not found"),
        (b"", ""),
        (b" \n", ""),
        (b"{}", ""),
        (b'{"error":""}', ""),
        (b"[]", ""),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_reason_is_what_a_person_can_read(body: bytes, reason: str) -> None:
    assert Reply(status=400, body=body).reason == reason


def test_document_that_is_no_json_shows_its_beginning() -> None:
    with pytest.raises(BadAnswerError, match="status 200 with no JSON: b'<html>'"):
        Reply(status=200, body=b"<html>").document()
