"""A door bounds the JSON that its server parses, however a request says what of it is JSON (with ``--routed``).

Each request here is harmless to a server without a door: nothing is nested deeper than a thousand times.
"""

import gzip
from collections.abc import Callable
from dataclasses import replace

import pytest

from smoke_tests.client import TritonClient
from smoke_tests.question import Question
from smoke_tests.refusals import assert_refused, assert_still_serves, infer
from smoke_tests.settings import Settings
from smoke_tests.wire import ACCEPTS_HEADER, HEADER_LENGTH, Message, Tensor, binary_message, exchange, json_message

LARGEST_JSON_BYTES = 8192

_DEPTH = 1000
_UNBOUNDED_BYTES = 16384  # more than a door lets through, by whichever of its rules


def picture_in_json(image: Tensor) -> Message:
    """Make a request in JSON, of a small model's small picture too: behind it stand blanks, which JSON allows."""
    whole = json_message(image)
    return replace(whole, body=whole.body.ljust(_UNBOUNDED_BYTES))


def with_lengths(*spellings: str) -> Callable[[Tensor], Message]:
    """Make of a picture a request in JSON, whose length is said in these ways; ``{}`` stands for the true one.

    A header that comes more than once has its name in as many spellings.
    """

    def message(image: Tensor) -> Message:
        whole = picture_in_json(image)
        names = (HEADER_LENGTH, HEADER_LENGTH.lower())
        said = [spelling.format(len(whole.body)) for spelling in spellings]
        return replace(whole, headers=dict(zip(names, said, strict=False)))

    return message


def nested(_: Tensor) -> Message:
    """Make a request in nested JSON."""
    return Message(body=b'{"inputs":' + b"[" * _DEPTH + b" " * LARGEST_JSON_BYTES + b"]" * _DEPTH + b"}")


def compressed(image: Tensor) -> Message:
    """Make a good request smaller than it is."""
    whole = binary_message(image)
    return Message(body=gzip.compress(whole.body), headers={**whole.headers, "Content-Encoding": "gzip"})


def length_dropped_on_the_way(image: Tensor) -> Message:
    """Make a request in JSON whose small length only the first who reads it sees, if that one is careless."""
    return replace(picture_in_json(image), headers={HEADER_LENGTH: "10", "connection": HEADER_LENGTH})


UNBOUNDED: dict[str, Callable[[Tensor], Message]] = {
    "picture_in_json": picture_in_json,
    "nested_json": nested,
    "long_length": with_lengths("{}"),
    "signed_length": with_lengths("+{}"),
    "length_with_zeros": with_lengths("00010"),
    "length_and_another": with_lengths("10,{}"),
    "no_number": with_lengths("all"),
    "empty_length": with_lengths(""),
    "small_and_long_length": with_lengths("10", "{}"),
    "long_and_small_length": with_lengths("{}", "10"),
    "compressed": compressed,
}


@pytest.fixture(autouse=True)
def _bounded(settings: Settings) -> None:
    if not settings.routed:
        pytest.skip("without --routed there is no door")
    if settings.json_bodies:
        pytest.skip("with --json-bodies whole requests in JSON are routed")


@pytest.mark.parametrize("kind", UNBOUNDED)
def test_unbounded_json_is_refused(kind: str, client: TritonClient, question: Question, settings: Settings) -> None:
    """The server gets nothing of it, and the client is told what to send."""
    reply = infer(settings, UNBOUNDED[kind](question.tensor))
    assert_refused(reply)
    assert ACCEPTS_HEADER.lower() in reply.headers, f"status {reply.status}: {reply.reason}"
    assert_still_serves(client, question)


def test_what_is_matched_is_what_arrives(client: TritonClient, question: Question, settings: Settings) -> None:
    """A header that counts at the door is not lost behind it: whole JSON is parsed by nobody."""
    assert_refused(infer(settings, length_dropped_on_the_way(question.tensor)))
    assert_still_serves(client, question)


def test_small_json_gets_the_servers_answer(settings: Settings) -> None:
    """What is bounded is the server's to judge."""
    reply = infer(settings, Message(body=b'{"inputs":[{"name":"input","datatype":"FP32","shape":[1],"data":[0]}]}'))
    assert_refused(reply)
    assert reply.is_tritons, reply.reason


def test_a_body_where_none_belongs_is_refused(settings: Settings) -> None:
    """A server keeps the body of any request in memory, whatever it asks for."""
    path = f"/v2/models/{settings.model}"
    reply = exchange(settings.url, "GET", path, Message(body=bytes(LARGEST_JSON_BYTES)), timeout_s=settings.timeout_s)
    assert reply.status == 413, reply.reason
