"""Infer requests as bytes, and one HTTP exchange, for what tritonclient would not send."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from socket import SHUT_WR
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.served import INPUT_NAME, TensorSpec
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import BadAnswerError, NoAnswerError

HEADER_LENGTH = "Inference-Header-Content-Length"

Tensor = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Message:
    """The body of a request and the headers that belong to it.

    Attributes:
        missing_bytes: how many more bytes its Content-Length promises than are sent.
    """

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    missing_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A server's answer, whole."""

    status: int
    body: bytes

    @property
    def reason(self) -> str:
        """Return an error's text: Triton's ``error``, or what a gateway wrote; empty if there is none."""
        text = self.body.decode(errors="replace").strip()
        try:
            document = json.loads(text)
        except ValueError:
            return text
        return str(document.get("error", "")) if isinstance(document, dict) else ""

    def document(self) -> Any:
        """Return the body as JSON.

        Raises:
            BadAnswerError: shows the status and the body's beginning.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise BadAnswerError(f"status {self.status} with no JSON: {self.body[:200]!r}") from None


def binary_message(tensor: Tensor, **changed: Any) -> Message:
    """Return an infer request with the tensor in binary.

    Args:
        tensor: float32, with a batch dimension where the model has one.
        changed: keys of the request's input that are to differ from the contract.
    """
    described = _described(tensor) | {"parameters": {"binary_data_size": tensor.nbytes}}
    header = json.dumps({"inputs": [described | changed]}).encode()
    return Message(body=header + tensor.tobytes(), headers={HEADER_LENGTH: str(len(header))})


def json_message(tensor: Tensor) -> Message:
    """Return an infer request as a user of curl writes it."""
    described = _described(tensor) | {"data": tensor.ravel().tolist()}
    body = json.dumps({"inputs": [described]}).encode()
    return Message(body=body, headers={"Content-Type": "application/json"})


def exchange(endpoint: Endpoint, method: str, path: str, message: Message | None = None, *, timeout_s: float) -> Reply:
    """Send one request on a connection of its own and read the answer.

    Args:
        endpoint: whom to ask.
        method: ``GET`` or ``POST``.
        path: as it is to be sent after the endpoint's base, with its leading slash.
        message: the body; none at all for None.
        timeout_s: how long to wait for the connection, and then for each next byte.

    Raises:
        NoAnswerError: names the request and what happened instead of an answer.
    """
    kind = http.client.HTTPSConnection if endpoint.scheme == "https" else http.client.HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=timeout_s)
    try:
        connection.connect()
        _send(connection, method, endpoint.base + path, message)
        response = connection.getresponse()
        return Reply(status=response.status, body=response.read())
    except TimeoutError:
        raise NoAnswerError(f"{method} {endpoint}{path}: no answer within {timeout_s:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(f"{method} {endpoint}{path}: {error or type(error).__name__}") from None
    finally:
        connection.close()


def _described(tensor: Tensor) -> dict[str, Any]:
    return TensorSpec(INPUT_NAME, tensor.shape).document()


def _send(connection: http.client.HTTPConnection, method: str, path: str, message: Message | None) -> None:
    connection.putrequest(method, path)
    connection.putheader("Connection", "close")
    if message is None:
        connection.endheaders()
        return
    connection.putheader("Content-Length", str(len(message.body) + message.missing_bytes))
    for name, value in message.headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        connection.send(message.body)
        if message.missing_bytes:
            connection.sock.shutdown(SHUT_WR)
    except (BrokenPipeError, ConnectionResetError):
        # A server may answer and close before it has read everything; the answer is there to be read.
        return
