"""Doors before a stand-in: one as it should be, and those with one thing wrong."""

import re
from collections.abc import Callable
from typing import Any

from infra.config.json_bodies import ACCEPTS_HEADER, BOUNDED_LENGTH, LARGEST_JSON_BYTES, UNBOUNDED_LENGTH
from tests.unit.smoke_tests.stand_in import HEADER_LENGTH, Reply

Door = Callable[[str, Any, bytes], Reply | None]

ACCEPTS = {ACCEPTS_HEADER: "tensors in binary"}


def shut(method: str, headers: Any, body: bytes) -> Reply | None:
    """Refuse what has no bound, and let all else through as it is."""
    if method == "GET":
        return Reply(b"Request Entity Too Large", 413) if len(body) > 1 else None
    if HEADER_LENGTH.lower() in ",".join(headers.get_all("Connection", [])).lower():
        del headers[HEADER_LENGTH]
    lengths = headers.get_all(HEADER_LENGTH, [])
    if "Content-Encoding" in headers or any(re.search(UNBOUNDED_LENGTH, length) for length in lengths):
        return Reply(b"Bad Request", 400, ACCEPTS)
    return Reply(b"Request Entity Too Large", 413, ACCEPTS) if not lengths and len(body) > LARGEST_JSON_BYTES else None


def content_with_any_length(method: str, headers: Any, body: bytes) -> Reply | None:
    lengths = headers.get_all(HEADER_LENGTH, [])
    return None if any(re.search(BOUNDED_LENGTH, length) for length in lengths) else shut(method, headers, body)


def deaf_to_a_length_that_is_none(method: str, headers: Any, body: bytes) -> Reply | None:
    lengths = headers.get_all(HEADER_LENGTH, [])
    return None if lengths == ["all"] else shut(method, headers, body)


def drops_the_length_that_it_has_read(method: str, headers: Any, body: bytes) -> Reply | None:
    named = headers.get_all("Connection", [])
    if HEADER_LENGTH in named:
        del headers[HEADER_LENGTH]
        return None
    return shut(method, headers, body)


def without_a_reason(method: str, headers: Any, body: bytes) -> Reply | None:
    refused = shut(method, headers, body)
    return refused and Reply(refused.body, refused.status)


def shut_to_small_json(method: str, headers: Any, body: bytes) -> Reply | None:
    if method == "POST" and HEADER_LENGTH not in headers and b"inputs" in body:
        return Reply(b"Bad Request", 400, ACCEPTS)
    return shut(method, headers, body)


def unpacks(method: str, headers: Any, body: bytes) -> Reply | None:
    return None if "Content-Encoding" in headers else shut(method, headers, body)


def bodies_with_any_method(method: str, headers: Any, body: bytes) -> Reply | None:
    return None if method == "GET" else shut(method, headers, body)


UNBOUNDED = "test_unbounded_json_is_refused"
WRONG: dict[Door, set[str]] = {
    content_with_any_length: {UNBOUNDED},
    deaf_to_a_length_that_is_none: {UNBOUNDED},
    drops_the_length_that_it_has_read: {"test_what_is_matched_is_what_arrives"},
    without_a_reason: {UNBOUNDED},
    shut_to_small_json: {"test_small_json_gets_the_servers_answer"},
    unpacks: {UNBOUNDED},
    bodies_with_any_method: {"test_a_body_where_none_belongs_is_refused"},
}
