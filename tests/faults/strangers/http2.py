"""Strangers that speak HTTP/2 without being asked to: by prior knowledge, which needs no TLS."""

import struct
import time
from collections.abc import Iterator

from tests.faults.strangers.connection import Target
from tests.faults.strangers.messages import DEEP_JSON, LENGTH, Attack, Pieces, head, whole

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _CONTINUATION = 0, 1, 3, 4, 6, 9
_END_STREAM, _END_HEADERS = 1, 4
_FRAME_BYTES = 16_384


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def fields(*pairs: tuple[str, str]) -> bytes:
    """Return header fields, each a literal that is not indexed."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in pairs)


def _text(value: str) -> bytes:
    text = value.encode()
    length, rest = len(text), b""
    if length < 127:
        return bytes([length]) + text
    left = length - 127
    while left >= 128:
        rest += bytes([left % 128 + 128])
        left //= 128
    return b"\x7f" + rest + bytes([left]) + text


def _asked(target: Target, *more: tuple[str, str]) -> bytes:
    return fields((":method", "POST"), (":scheme", "http"), (":path", target.infer), (":authority", target.host), *more)


def _opening() -> bytes:
    return PREFACE + frame(_SETTINGS, 0, 0) + frame(_SETTINGS, 1, 0)


def http2_nested_json(target: Target) -> Pieces:
    """Deep JSON without a length of its part."""
    yield _opening() + frame(_HEADERS, _END_HEADERS, 1, _asked(target))
    yield from _body()


def http2_nested_part(target: Target) -> Pieces:
    """Deep JSON whose length is said in two fields."""
    yield _opening() + frame(
        _HEADERS, _END_HEADERS, 1, _asked(target, (LENGTH.lower(), "10"), (LENGTH.lower(), str(len(DEEP_JSON))))
    )
    yield from _body()


def http2_connection_field(target: Target) -> Pieces:
    """A field that HTTP/2 forbids, which takes the length off."""
    yield _opening() + frame(
        _HEADERS, _END_HEADERS, 1, _asked(target, (LENGTH.lower(), "10"), ("connection", LENGTH.lower()))
    )
    yield from _body()


def http2_gzip(target: Target) -> Pieces:
    """Deep JSON that says it were gzip."""
    yield _opening() + frame(_HEADERS, _END_HEADERS, 1, _asked(target, ("content-encoding", "gzip")))
    yield from _body()


def _body() -> Iterator[bytes]:
    for at in range(0, len(DEEP_JSON), _FRAME_BYTES):
        yield frame(
            _DATA, _END_STREAM if at + _FRAME_BYTES >= len(DEEP_JSON) else 0, 1, DEEP_JSON[at : at + _FRAME_BYTES]
        )


def http2_rapid_reset(target: Target) -> Pieces:
    """A hundred thousand requests, each taken back at once."""
    yield _opening()
    asked = _asked(target)
    for first in range(0, 100_000, 500):
        yield b"".join(
            frame(_HEADERS, _END_HEADERS, 2 * number + 1, asked) + frame(_RESET, 0, 2 * number + 1, b"\0\0\0\x08")
            for number in range(first, first + 500)
        )


def http2_continuations(target: Target) -> Pieces:
    """Fields that go on in frame after frame: 100 MB."""
    yield _opening() + frame(_HEADERS, 0, 1, _asked(target))
    more = frame(_CONTINUATION, 0, 1, fields(*((f"x-{number}", "y" * 150) for number in range(100))))
    for _ in range(6_000):
        yield more


def http2_pings(_: Target) -> Pieces:
    """Half a million pings, whose answers nobody reads."""
    yield _opening()
    for _ in range(500):
        yield frame(_PING, 0, 0, b"12345678") * 1_000


def http2_settings(_: Target) -> Pieces:
    """Half a million settings, whose answers nobody reads."""
    yield _opening()
    for _ in range(500):
        yield frame(_SETTINGS, 0, 0) * 1_000


def http2_many_streams(target: Target) -> Pieces:
    """Two thousand requests on one connection whose bodies never come."""
    yield _opening()
    asked = _asked(target, (LENGTH.lower(), "100"))
    for number in range(2_000):
        yield frame(_HEADERS, _END_HEADERS, 2 * number + 1, asked)
    time.sleep(2)


def http2_upgrade(target: Target) -> Pieces:
    """Deep JSON in a request that wants to go on in HTTP/2."""
    upgrade = (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"))
    return whole(target, DEEP_JSON, *upgrade)


def http2_tunnel(target: Target) -> Pieces:
    """A way through the gateway to anywhere."""
    yield head(target, [], method="CONNECT", path="127.0.0.1:22")


REQUESTS: tuple[Attack, ...] = (
    http2_nested_json, http2_nested_part, http2_connection_field, http2_gzip, http2_upgrade, http2_tunnel,
)  # fmt: skip
"""What is refused in HTTP/1 too."""

FLOODS: tuple[Attack, ...] = (
    http2_rapid_reset, http2_continuations, http2_pings, http2_settings, http2_many_streams,
)  # fmt: skip
"""What only HTTP/2 has."""
