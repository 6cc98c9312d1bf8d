"""Requests that are too much of something: bodies of questions, fields, addresses; many requests on one connection."""

import json

from tests.faults.strangers.connection import Target
from tests.faults.strangers.messages import (
    DEEP_JSON,
    IMAGE_BYTES,
    LENGTH,
    Attack,
    Pieces,
    chunked,
    head,
    json_request,
    whole,
)

MIB = 1 << 20
ENDLESS_MIB = 3_072


def _get(name: str, path: str, why: str) -> tuple[Attack, ...]:
    def deep(target: Target) -> Pieces:
        return whole(
            target,
            DEEP_JSON,
            ("Content-Type", "application/json"),
            method="GET",
            path=target.base + path.format(target.model),
        )

    def large(target: Target) -> Pieces:
        return whole(target, b"[" * (16 * MIB), method="GET", path=target.base + path.format(target.model))

    def endless(target: Target) -> Pieces:
        pieces = (bytes(MIB) for _ in range(ENDLESS_MIB))
        return chunked(target, pieces, method="GET", path=target.base + path.format(target.model))

    for attack, kind, more in (
        (deep, "deep", "240 KB of brackets"), (large, "large", "16 MiB"), (endless, "endless", "3 GiB in chunks"),
    ):  # fmt: skip
        attack.__name__, attack.__doc__ = f"get_{name}_{kind}", f"A question for {why} with a body of {more}."
    return deep, large, endless


QUESTIONS: tuple[Attack, ...] = (
    *_get("live", "/v2/health/live", "health"),
    *_get("metadata", "/v2/models/{}", "the model's metadata"),
    *_get("config", "/v2/models/{}/config", "the model's configuration"),
    *_get("ready", "/v2/models/{}/ready", "the model's readiness"),
)


def endless_body(target: Target) -> Pieces:
    """An infer whose chunks never end: 3 GiB, or as much as is taken."""
    return chunked(target, (bytes(MIB) for _ in range(ENDLESS_MIB)))


def endless_binary(target: Target) -> Pieces:
    """The same as the data of a binary request."""
    return chunked(target, (bytes(MIB) for _ in range(ENDLESS_MIB)), (LENGTH, "100"))


def large_body(target: Target) -> Pieces:
    """An infer of 3 GiB that says so."""
    yield head(target, [("Content-Length", str(ENDLESS_MIB * MIB))])
    for _ in range(ENDLESS_MIB):
        yield bytes(MIB)


def expected_body(target: Target) -> Pieces:
    """Deep JSON that is only announced: it would be sent when it were wanted, and is sent unasked."""
    return whole(target, DEEP_JSON, ("Expect", "100-continue"))


def unknown_expectation(target: Target) -> Pieces:
    """An expectation that nobody knows."""
    return whole(target, DEEP_JSON, ("Expect", "a-miracle"))


def huge_field(target: Target) -> Pieces:
    """A field of 8 MiB."""
    yield head(target, [("Content-Length", "2"), ("X-Large", "x" * (8 * MIB))])
    yield b"{}"


def many_fields(target: Target) -> Pieces:
    """A hundred thousand fields."""
    yield head(target, [("Content-Length", "2"), *((f"X-{number}", "x") for number in range(100_000))])
    yield b"{}"


def fields_below_limit(target: Target) -> Pieces:
    """Fields of 900 KB, which Go's server reads by default."""
    yield head(target, [("Content-Length", "2"), *((f"X-{number}", "x" * 9_000) for number in range(100))])
    yield b"{}"


def endless_field(target: Target) -> Pieces:
    """A field that never ends: 1 GiB."""
    yield f"POST {target.infer} HTTP/1.1\r\nHost: {target.host}\r\nX-Endless: ".encode()
    for _ in range(1024):
        yield b"x" * MIB


def huge_address(target: Target) -> Pieces:
    """An address of 8 MiB."""
    yield from whole(target, b"{}", path=f"{target.infer}?{'q' * (8 * MIB)}")


def address_below_limit(target: Target) -> Pieces:
    """An address of 900 KB."""
    yield from whole(target, b"{}", path=f"{target.infer}?{'q=1&' * 225_000}")


def pipelined(target: Target) -> Pieces:
    """A thousand questions at once, without waiting for an answer."""
    yield head(target, [], method="GET", path=f"{target.base}/v2/health/live") * 1_000


def pipelined_deep(target: Target) -> Pieces:
    """A hundred requests of deep JSON at once."""
    yield b"".join(whole(target, DEEP_JSON)) * 100


def tiny_chunks(target: Target) -> Pieces:
    """A right binary request in 602,000 chunks of one byte."""
    part = json.dumps(json_request()).encode()
    body = part + bytes(IMAGE_BYTES)
    yield head(target, [("Transfer-Encoding", "chunked"), (LENGTH, str(len(part)))])
    yield b"".join(b"1\r\n" + body[at : at + 1] + b"\r\n" for at in range(len(body))) + b"0\r\n\r\n"


def tiny_chunks_of_small_json(target: Target) -> Pieces:
    """A whole JSON of 8,000 bytes in chunks of one byte."""
    yield head(target, [("Transfer-Encoding", "chunked")])
    yield b"1\r\n \r\n" * 8_000 + b"2\r\n{}\r\n0\r\n\r\n"


def tiny_segments(target: Target) -> Pieces:
    """The deepest JSON part in segments of few bytes: each becomes a piece of memory of its own."""
    part = json.dumps(json_request()).encode()
    body = part + bytes(IMAGE_BYTES)
    yield head(target, [("Content-Length", str(len(body))), (LENGTH, str(len(part)))])
    for at in range(0, len(body), 32):
        yield body[at : at + 32]


def gzip_wanted(target: Target) -> Pieces:
    """A right request for an answer in gzip."""
    part = json.dumps(json_request()).encode()
    return whole(target, part + bytes(IMAGE_BYTES), (LENGTH, str(len(part))), ("Accept-Encoding", "gzip, deflate"))


def no_protocol(_: Target) -> Pieces:
    """A megabyte of nothing that is HTTP."""
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01" * (MIB // 8)


def old_protocol(target: Target) -> Pieces:
    """HTTP 1.0 without a host, with deep JSON."""
    yield f"POST {target.infer} HTTP/1.0\r\nContent-Length: {len(DEEP_JSON)}\r\n\r\n".encode()
    yield DEEP_JSON


TOO_MUCH: tuple[Attack, ...] = (
    endless_body, endless_binary, large_body, expected_body, unknown_expectation, huge_field, many_fields,
    fields_below_limit, endless_field, huge_address, address_below_limit, pipelined_deep, no_protocol, old_protocol,
)  # fmt: skip
"""What is more than the door takes."""

BORNE: tuple[Attack, ...] = (
    pipelined, tiny_chunks, tiny_chunks_of_small_json, tiny_segments, gzip_wanted,
)  # fmt: skip
"""What is odd and right."""
