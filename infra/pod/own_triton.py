"""The pod's own Triton, asked about its one model over HTTP, with tensors as binary data."""

from __future__ import annotations

import array
import http
import http.client
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from contract.served import DATATYPE, INPUT_NAME, OUTPUT_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIMEOUT_S = 9
_HEADER_LENGTH = "Inference-Header-Content-Length"


class Server(NamedTuple):
    """The pod's own Triton, and what its model takes."""

    port: int
    model: str
    shape: Sequence[int]
    max_batch_size: int


class Response(NamedTuple):
    """What Triton says to one request; as many bytes of the body are JSON, and the rest is binary data."""

    status: int
    header_bytes: int
    body: bytes


class NotYetError(Exception):
    """Triton does not answer about the model yet."""


class WrongAnswerError(Exception):
    """Triton answers, and not as it must; the text is the evidence."""


def ask(server: Server, method: str, path: str, body: bytes, headers: dict[str, str]) -> Response:
    """Send one request about the model to the pod's own Triton.

    Raises:
        NotYetError: nobody answered, or not in time.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_S)
    try:
        connection.request(method, f"/v2/models/{server.model}/{path}", body=body, headers=headers)
        response = connection.getresponse()
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotYetError(str(error) or type(error).__name__) from error
    return Response(response.status, int(response.headers.get(_HEADER_LENGTH, len(data))), data)


def wait_for_model(server: Server) -> None:
    """Look once whether the model is ready.

    Raises:
        NotYetError: it is not.
    """
    status = ask(server, "GET", "ready", b"", {}).status
    if status != http.HTTPStatus.OK:
        raise NotYetError(f"Triton says {status} about {server.model}")


def infer(server: Server, tensors: Sequence[bytes], parameters: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Send tensors in one request; returns the answer's one output and the binary part of the body.

    Args:
        server: is asked.
        tensors: float32, little-endian, C order, each in the model's shape; one, where the model takes no batch.
        parameters: of the requested output.

    Raises:
        NotYetError: nobody answered.
        WrongAnswerError: Triton refused.
    """
    data = b"".join(tensors)
    tensor_header = {
        "name": INPUT_NAME,
        "datatype": DATATYPE,
        "shape": [*([len(tensors)] if server.max_batch_size else []), *server.shape],
        "parameters": {"binary_data_size": len(data)},
    }
    outputs = [{"name": OUTPUT_NAME, "parameters": parameters}]
    header = json.dumps({"inputs": [tensor_header], "outputs": outputs}).encode()
    response = ask(server, "POST", "infer", header + data, {_HEADER_LENGTH: str(len(header))})
    if response.status != http.HTTPStatus.OK:
        reason = response.body.decode("utf-8", "replace").strip()
        what = "the expected picture" if len(tensors) == 1 else f"a batch of {len(tensors)}"
        raise WrongAnswerError(f"{server.model} refuses {what}: {response.status} {reason}")
    output = json.loads(response.body[: response.header_bytes])["outputs"][0]
    return output, response.body[response.header_bytes :]


def scores_of(server: Server, tensors: Sequence[bytes]) -> Sequence[float]:
    """The scores of tensors that are asked about together, one's after the other's, in the order of the classes."""
    _, data = infer(server, tensors, {"binary_data": True})
    scores = array.array("f", data)
    if sys.byteorder == "big":
        scores.byteswap()
    return scores


def labels_of(server: Server, tensor: bytes, count: int) -> dict[int, str]:
    """The label that Triton gives each class, asked for as `image_client -c` does."""
    output, _ = infer(server, [tensor], {"classification": count, "binary_data": False})
    served = {}
    for entry in output["data"]:
        _, index, label = [*entry.split(":", 2), ""][:3]
        served[int(index)] = label
    return served
