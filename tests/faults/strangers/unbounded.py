"""JSON that is longer than the door lets Triton parse: deep, or only large."""

from tests.faults.strangers.connection import Target
from tests.faults.strangers.messages import DEEP_JSON, IMAGE_BYTES, LENGTH, Attack, Pieces, binary, chunked, whole


def nested_json(target: Target) -> Pieces:
    """240 KB of brackets, as a body that is JSON as a whole."""
    return whole(target, DEEP_JSON)


def nested_part(target: Target) -> Pieces:
    """240 KB of brackets as the JSON part of a binary request, whose length is said rightly."""
    return binary(target, DEEP_JSON)


def nested_in_chunks(target: Target) -> Pieces:
    """240 KB of brackets in chunks: no length is said."""
    body = DEEP_JSON
    return chunked(target, (body[at : at + 4096] for at in range(0, len(body), 4096)))


def nested_with_trailer(target: Target) -> Pieces:
    """240 KB of brackets in chunks; the length of the JSON part is said after them."""
    body = DEEP_JSON
    pieces = (body[at : at + 4096] for at in range(0, len(body), 4096))
    return chunked(target, pieces, ("Trailer", LENGTH), trailer=f"{LENGTH}: 10\r\n")


def nested_part_in_chunks(target: Target) -> Pieces:
    """A binary request in chunks whose JSON part is 240 KB of brackets."""
    body = DEEP_JSON
    pieces = (body[at : at + 4096] for at in range(0, len(body), 4096))
    return chunked(target, pieces, (LENGTH, str(len(body))))


def whole_image_as_json(target: Target) -> Pieces:
    """An honest request in JSON alone, of 1 MB: more than the door parses."""
    text = '{"inputs":[{"name":"input","datatype":"FP32","shape":[3,224,224],"data":['
    return whole(target, (text + ",".join(["0.125"] * (IMAGE_BYTES // 4)) + "]}]}").encode())


def many_numbers(target: Target) -> Pieces:
    """A whole JSON of 16 MB of numbers: each takes 16 bytes of memory when it is parsed."""
    text = '{"inputs":[{"name":"input","datatype":"FP32","shape":[3,224,224],"data":['
    return whole(target, (text + ",".join(["0"] * 8_000_000) + "]}]}").encode())


UNBOUNDED: tuple[Attack, ...] = (
    nested_json, nested_part, nested_in_chunks, nested_with_trailer, nested_part_in_chunks, whole_image_as_json,
    many_numbers,
)  # fmt: skip
"""JSON that is too long for the door."""
