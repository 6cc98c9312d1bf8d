"""Requests that say something else to the door than to the server behind it: lengths, encodings, spellings."""

import gzip
import json
import zlib

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

EXPANDED_MIB = 3_072
ENCODING = "Content-Encoding"


def _said(name: str, why: str, *values: str, field: str = LENGTH) -> Attack:
    """Deep JSON whose JSON part is said to be as long as the values say."""

    def attack(target: Target) -> Pieces:
        return whole(target, DEEP_JSON, *((field, value) for value in values))

    attack.__name__, attack.__doc__ = name, why
    return attack


SPELT: tuple[Attack, ...] = (
    _said("length_with_plus", "A sign before the number.", f"+{len(DEEP_JSON)}"),
    _said("length_with_zeros", "Zeros before the number.", f"000{len(DEEP_JSON)}"),
    _said("length_with_tab", "Space around the number.", f"\t {len(DEEP_JSON)} "),
    _said("length_hexadecimal", "A number of base 16.", hex(len(DEEP_JSON))),
    _said("length_exponent", "A number with an exponent.", "24e4"),
    _said("length_fraction", "A number with a point.", f"{len(DEEP_JSON)}.0"),
    _said("length_list", "Two numbers in one field.", f"5,{len(DEEP_JSON)}"),
    _said("length_list_turned", "The same in the other order.", f"{len(DEEP_JSON)},5"),
    _said("length_then_text", "A number and a word.", "5 of 5"),
    _said(
        "length_wide", "Digits of another script, whose bytes are no digits.", "\uff12\uff14\uff10\uff10\uff11\uff10"
    ),
    _said("length_empty", "No number at all.", ""),
    _said("length_negative", "A negative number.", "-1"),
    _said("length_wrapping", "A number that is 10 in 32 bits.", str(2**32 + 10)),
    _said("length_of_64_bits", "A number that is 10 in 64 bits.", str(2**64 + 10)),
    _said("length_twice", "The field twice, the small one first.", "10", str(len(DEEP_JSON))),
    _said("length_twice_turned", "The field twice, the large one first.", str(len(DEEP_JSON)), "10"),
    _said("length_twice_empty", "The field twice, the first one empty.", "", "10"),
    _said("length_underscored", "The field's name with underscores.", "10", field=LENGTH.replace("-", "_")),
    _said("length_lower_case", "The field's name in lower case.", str(len(DEEP_JSON)), field=LENGTH.lower()),
    _said("length_folded", "The field's value goes on in the next line.", f"1\r\n {len(DEEP_JSON)}"),
    _said("length_spaced_name", "A space between the field's name and its colon.", "10", field=f"{LENGTH} "),
)


def length_taken_off(target: Target) -> Pieces:
    """A small length that a proxy is told to take off, as a field of this connection alone."""
    return whole(target, DEEP_JSON, (LENGTH, "10"), ("Connection", LENGTH))


def length_taken_off_keep(target: Target) -> Pieces:
    """The same among other words, in other letters."""
    return whole(target, DEEP_JSON, (LENGTH, "10"), ("Connection", f"keep-alive, {LENGTH.lower()}"))


def length_taken_off_close(target: Target) -> Pieces:
    """The same in a second Connection field."""
    return whole(target, DEEP_JSON, (LENGTH, "10"), ("Connection", "close"), ("connection", LENGTH.upper()))


def length_smaller_than_json(target: Target) -> Pieces:
    """A length that cuts the JSON part off in the middle of its brackets."""
    return whole(target, DEEP_JSON, (LENGTH, "5000"))


def length_in_trailer(target: Target) -> Pieces:
    """A small length before a body in chunks, a large one after it."""
    pieces = (DEEP_JSON[at : at + 4096] for at in range(0, len(DEEP_JSON), 4096))
    return chunked(target, pieces, (LENGTH, "10"), ("Trailer", LENGTH), trailer=f"{LENGTH}: {len(DEEP_JSON)}\r\n")


def hidden_upgrade(target: Target) -> Pieces:
    """Deep JSON in a request that wants to become a WebSocket."""
    upgrade = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "x"),
    )
    return whole(target, DEEP_JSON, *upgrade)


def hidden_upgrade_of_length(target: Target) -> Pieces:
    """The same with a length that is taken off."""
    upgrade = (("Connection", f"Upgrade, {LENGTH}"), ("Upgrade", "websocket"), (LENGTH, "10"))
    return whole(target, DEEP_JSON, *upgrade)


def two_lengths(target: Target) -> Pieces:
    """Two content lengths that differ: a second request hides in the first one's body."""
    yield head(target, [("Content-Length", "2"), ("Content-Length", str(len(DEEP_JSON)))])
    yield DEEP_JSON


def length_and_chunks(target: Target) -> Pieces:
    """A content length and chunks: a request to the repository hides behind them."""
    hidden = f"POST /v2/repository/index HTTP/1.1\r\nHost: {target.host}\r\nContent-Length: 0\r\n\r\n".encode()
    yield head(target, [("Content-Length", "5"), ("Transfer-Encoding", "chunked")])
    yield b"0\r\n\r\n" + hidden


def chunked_spelt(target: Target) -> Pieces:
    """Chunks under a name that only some read as such."""
    yield head(target, [("Content-Length", str(len(DEEP_JSON))), ("Transfer-Encoding", "xchunked")])
    yield DEEP_JSON


def chunked_gzip(target: Target) -> Pieces:
    """Chunks of gzip, as a transfer encoding."""
    packed = gzip.compress(DEEP_JSON)
    yield head(target, [("Transfer-Encoding", "gzip, chunked")])
    yield f"{len(packed):x}\r\n".encode() + packed + b"\r\n0\r\n\r\n"


def chunks_of_nothing(target: Target) -> Pieces:
    """A chunk whose size is a number of 2,000 digits."""
    yield head(target, [("Transfer-Encoding", "chunked")])
    yield b"0" * 2_000 + b"5\r\nhello\r\n0\r\n\r\n"


def chunk_extensions(target: Target) -> Pieces:
    """Chunks of one byte, each with an extension of 4 KB."""
    yield head(target, [("Transfer-Encoding", "chunked")])
    yield (b"1;" + b"x" * 4_000 + b"\r\n[\r\n") * 2_000 + b"0\r\n\r\n"


def tiny_chunks_of_json(target: Target) -> Pieces:
    """A whole JSON of 1.5 MB, blanks for the most part, in chunks of one byte."""
    yield head(target, [("Transfer-Encoding", "chunked")])
    yield b"1\r\n \r\n" * 1_500_000 + b"2\r\n{}\r\n0\r\n\r\n"


def _packed(mib: int, wbits: int) -> bytes:
    """Pack a right request and zeros after it; a MiB of them is packed once, and stands there again and again."""
    pack = zlib.compressobj(9, zlib.DEFLATED, wbits)
    begun = pack.compress(json.dumps(json_request()).encode()) + pack.flush(zlib.Z_FULL_FLUSH)
    zeros = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    return begun + zeros * mib + pack.flush()


def _bomb(target: Target, encoding: tuple[str, ...], wbits: int, *, name: str = ENCODING) -> Pieces:
    length = len(json.dumps(json_request()))
    yield from whole(
        target, _packed(EXPANDED_MIB, wbits), *((name, value) for value in encoding), (LENGTH, str(length))
    )


def gzip_bomb(target: Target) -> Pieces:
    """3 MB of gzip that are 3 GiB: case 2 of the field."""
    return _bomb(target, ("gzip",), 31)


def deflate_bomb(target: Target) -> Pieces:
    """3 MB of deflate that are 3 GiB."""
    return _bomb(target, ("deflate",), 15)


def raw_deflate_bomb(target: Target) -> Pieces:
    """3 MB of deflate without its frame that are 3 GiB."""
    return _bomb(target, ("deflate",), -15)


def gzip_bomb_in_capitals(target: Target) -> Pieces:
    """The same, its encoding in capitals."""
    return _bomb(target, ("GZIP",), 31)


def gzip_bomb_by_other_name(target: Target) -> Pieces:
    """The same under gzip's old name."""
    return _bomb(target, ("x-gzip",), 31)


def gzip_bomb_said_twice(target: Target) -> Pieces:
    """The same, the encoding said twice, in capitals and not."""
    return _bomb(target, ("identity", "gzip"), 31)


def gzip_bomb_said_after_none(target: Target) -> Pieces:
    """The same, after an empty field."""
    return _bomb(target, ("", "gzip"), 31)


def gzip_bomb_in_list(target: Target) -> Pieces:
    """The same, gzip as one of two."""
    return _bomb(target, ("gzip, identity",), 31)


def gzip_bomb_underscored(target: Target) -> Pieces:
    """The same, the field's name with an underscore."""
    return _bomb(target, ("gzip",), 31, name="Content_Encoding")


def gzip_bomb_folded(target: Target) -> Pieces:
    """The same, the encoding in the line after its field."""
    return _bomb(target, ("\r\n gzip",), 31)


def nested_gzip(target: Target) -> Pieces:
    """A gzip of a gzip: 10 KB that are 3 MB that are 3 GiB."""
    inner = _packed(EXPANDED_MIB, 31)
    yield from whole(
        target, gzip.compress(inner), (ENCODING, "gzip, gzip"), (LENGTH, str(len(json.dumps(json_request()))))
    )


def gzip_of_nested_json(target: Target) -> Pieces:
    """500 bytes of gzip that are 240 KB of brackets."""
    return whole(target, gzip.compress(DEEP_JSON), (ENCODING, "gzip"))


def deflate_of_nested_json(target: Target) -> Pieces:
    """500 bytes of deflate that are 240 KB of brackets."""
    return whole(target, zlib.compress(DEEP_JSON), (ENCODING, "deflate"))


def gzip_of_small_json(target: Target) -> Pieces:
    """8 KB of gzip that are 8 MB of blanks before the JSON."""
    return whole(target, gzip.compress(b" " * (8 << 20) + b"{}"), (ENCODING, "gzip"))


def gzip_cut_off(target: Target) -> Pieces:
    """A gzip without its end."""
    return whole(target, gzip.compress(DEEP_JSON)[:-20], (ENCODING, "gzip"))


def gzip_that_is_none(target: Target) -> Pieces:
    """A right request that says it were gzip."""
    return binary_encoded(target, "gzip")


def unknown_encoding(target: Target) -> Pieces:
    """A right request that says it were of an encoding that nobody knows."""
    return binary_encoded(target, "zstd")


def binary_encoded(target: Target, encoding: str) -> Pieces:
    """Yield a right request that says it were encoded."""
    part = json.dumps(json_request()).encode()
    return whole(target, part + bytes(IMAGE_BYTES), (LENGTH, str(len(part))), (ENCODING, encoding))


LYING: tuple[Attack, ...] = (
    length_taken_off, length_taken_off_keep, length_taken_off_close, length_smaller_than_json, length_in_trailer,
    hidden_upgrade, hidden_upgrade_of_length, two_lengths, length_and_chunks, chunked_spelt, chunked_gzip,
    chunks_of_nothing, chunk_extensions, tiny_chunks_of_json,
)  # fmt: skip
"""What the door reads otherwise than the server behind it would."""

PACKED: tuple[Attack, ...] = (
    gzip_bomb, deflate_bomb, raw_deflate_bomb, gzip_bomb_in_capitals, gzip_bomb_by_other_name, gzip_bomb_said_twice,
    gzip_bomb_said_after_none, gzip_bomb_in_list, gzip_bomb_underscored, gzip_bomb_folded, nested_gzip,
    gzip_of_nested_json, deflate_of_nested_json, gzip_of_small_json, gzip_cut_off, gzip_that_is_none, unknown_encoding,
)  # fmt: skip
