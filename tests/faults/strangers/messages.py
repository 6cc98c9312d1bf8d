"""Requests as bytes on the wire, well formed or not."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from contract.served import INPUT_NAME, OUTPUT_NAME
from tests.faults.strangers.connection import Target

Pieces = Iterator[bytes]
"""A request as it goes over the wire, piece by piece."""

Attack = Callable[[Target], Pieces]
"""A stranger's request to a target; its name and its docstring say what it is."""

Fields = Sequence[tuple[str, str]]
"""Header fields in their order: a name may come twice."""

LENGTH = "Inference-Header-Content-Length"
SHAPE = [3, 224, 224]
IMAGE_BYTES = 3 * 224 * 224 * 4

DEEP = 120_000
"""Brackets that overflow the stack of Triton 2.51: case 1 of the field."""


def head(target: Target, fields: Fields, *, path: str | None = None, method: str = "POST") -> bytes:
    """Return a request's line and fields; by default of an infer."""
    lines = [f"{method} {path or target.infer} HTTP/1.1", f"Host: {target.host}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in fields), "", ""]).encode()


def whole(target: Target, body: bytes, *fields: tuple[str, str], **where: str) -> Pieces:
    """Yield a request that says how long its body is, and tells the truth."""
    yield head(target, [("Content-Length", str(len(body))), *fields], **where)
    yield body


def chunked(
    target: Target, pieces: Iterable[bytes], *fields: tuple[str, str], trailer: str = "", **where: str
) -> Pieces:
    """Yield a request whose body comes in chunks."""
    yield head(target, [("Transfer-Encoding", "chunked"), *fields], **where)
    for piece in pieces:
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield f"0\r\n{trailer}\r\n".encode()


def nested(depth: int) -> bytes:
    """Return JSON that is so deep."""
    return b'{"inputs":' + b"[" * depth + b"]" * depth + b"}"


DEEP_JSON = nested(DEEP)
"""What ends Triton 2.51, if it parses it."""


def nested_of_size(size_bytes: int) -> bytes:
    """Return the deepest JSON of a size, or of one byte less."""
    inner = size_bytes - len(b'{"inputs":}')
    return nested(inner // 2)


def json_request(*, inputs: Any = None, outputs: Any = None, **others: Any) -> dict[str, Any]:
    """Return an infer's JSON: that of the image in binary, but for what is to be different."""
    document = {"inputs": [input_of()] if inputs is None else inputs, **others}
    return document if outputs is None else document | {"outputs": outputs}


def input_of(shape: Sequence[Any] = SHAPE, *, nbytes: Any = IMAGE_BYTES, **others: Any) -> dict[str, Any]:
    """Return the description of an input whose data come in binary."""
    return {
        "name": INPUT_NAME,
        "datatype": "FP32",
        "shape": list(shape),
        "parameters": {"binary_data_size": nbytes},
        **others,
    }


def output_of(**parameters: Any) -> dict[str, Any]:
    """Return the description of a requested output."""
    return {"name": OUTPUT_NAME, "parameters": parameters}


def binary(target: Target, document: Any, *, data: bytes = bytes(IMAGE_BYTES), length: str | None = None) -> Pieces:
    """Yield an infer whose JSON part is as given and whose tensor follows in binary."""
    part = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
    yield from whole(target, part + data, (LENGTH, length or str(len(part))))
