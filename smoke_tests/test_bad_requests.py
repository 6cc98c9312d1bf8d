"""A bad request is refused with a reason, at once, and harms nobody who comes after it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from smoke_tests.client import TritonClient
from smoke_tests.errors import NoAnswerError
from smoke_tests.nobody import is_of_nobody
from smoke_tests.question import Question
from smoke_tests.refusals import assert_refused, assert_still_serves, infer
from smoke_tests.settings import Settings
from smoke_tests.wire import HEADER_LENGTH, Message, Tensor, binary_message


def with_header_length(message: Message, length: int) -> Message:
    """Return the message with another length of its JSON header."""
    return replace(message, headers={HEADER_LENGTH: str(length)})


def wider_by_one(image: Tensor) -> list[int]:
    """Return the image's shape with one column more than its data has."""
    return [*image.shape[:-1], image.shape[-1] + 1]


BAD_REQUESTS: dict[str, Callable[[Tensor], Message]] = {
    "not_json": lambda _: Message(body=b"a mug, please"),
    "empty_object": lambda _: Message(body=b"{}"),
    "empty_body": lambda _: Message(body=b""),
    "wrong_input_name": lambda image: binary_message(image, name="picture"),
    "wrong_shape": lambda image: binary_message(image, shape=wider_by_one(image)),
    "wrong_datatype": lambda image: binary_message(image, datatype="INT32"),
    "tensor_cut_short": lambda image: replace(
        binary_message(image), body=binary_message(image).body[: -image.nbytes // 2]
    ),
    "header_length_too_small": lambda image: with_header_length(binary_message(image), 10),
    "header_length_beyond_body": lambda image: with_header_length(binary_message(image), 10**9),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_bad_request_is_refused(name: str, client: TritonClient, question: Question, settings: Settings) -> None:
    """Each kind of nonsense gets an error and a reason."""
    assert_refused(infer(settings, BAD_REQUESTS[name](question.tensor)))
    assert_still_serves(client, question)


def test_unknown_model_is_refused(client: TritonClient, question: Question, settings: Settings) -> None:
    """A model that is not there is an error, not another model's answer."""
    reply = infer(settings, binary_message(question.tensor), model=f"no_{settings.model}")
    if not (settings.routed and is_of_nobody(reply, settings, "POST")):
        assert_refused(reply)
    assert_still_serves(client, question)


def test_broken_connection_is_dropped(client: TritonClient, question: Question, settings: Settings) -> None:
    """A body that ends before its Content-Length is never taken for a whole one, nor waited for."""
    whole = binary_message(question.tensor)
    half = len(whole.body) // 2
    try:
        reply = infer(settings, replace(whole, body=whole.body[:half], missing_bytes=len(whole.body) - half))
    except NoAnswerError as closed:
        assert "no answer within" not in str(closed), closed  # noqa: PT017 - an error status is as good as an end
    else:
        assert reply.status >= 400, reply.body[:200]
    assert_still_serves(client, question)


def test_body_over_the_limit_is_refused(client: TritonClient, question: Question, settings: Settings) -> None:
    """One byte more than the URL accepts is status 413 with a reason."""
    limit = max_body_bytes(settings)
    reply = infer(settings, padded(binary_message(question.tensor), limit + 1))
    assert reply.status == 413, reply.reason
    assert_refused(reply)
    assert_still_serves(client, question)


def test_body_at_the_limit_reaches_the_server(question: Question, settings: Settings) -> None:
    """A body of exactly the limit gets the server's own refusal of the bytes that are too many."""
    reply = infer(settings, padded(binary_message(question.tensor), max_body_bytes(settings)))
    assert_refused(reply)
    assert reply.status != 413, reply.reason


def max_body_bytes(settings: Settings) -> int:
    """Return the limit that is to be proven, or skip the test."""
    if settings.max_body_bytes is None:
        pytest.skip("no --max-body-bytes, so no limit to prove")
    return settings.max_body_bytes


def padded(message: Message, size_bytes: int) -> Message:
    """Return the message filled up with zeros, or cut, to a size."""
    return replace(message, body=message.body[:size_bytes].ljust(size_bytes, b"\0"))
