"""Infer requests as bytes, and one HTTP exchange, for what tritonclient would not send."""

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from socket import SHUT_WR, socket
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.served import INPUT_NAME, TensorSpec
from smoke_tests.access import no_answer_from
from smoke_tests.endpoint import Endpoint
from smoke_tests.errors import BadAnswerError, BusyError, NoAnswerError, TurnedAwayError
from smoke_tests.patience import patiently

HEADER_LENGTH = "Inference-Header-Content-Length"

ACCEPTS_HEADER = "Infer-Accepts"
"""Where a door that bounds JSON says what it takes."""

SERVER_IS_GONE = frozenset({502, 503, 504})
"""A gateway's words for a server that it does not reach."""

BUSY = 429
"""What a door says who has had enough of a client's requests."""

TURNED_AWAY = frozenset({401, 403, 407, BUSY})
"""What a door says, and Triton never."""

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
    """A server's answer, whole.

    Attributes:
        headers: by their names in lower case; of one that came twice the last.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def location(self) -> str:
        """Where it sends the client; empty if it does not say."""
        return self.headers.get("location", "")

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the client elsewhere."""
        return 300 <= self.status < 400

    @property
    def is_tritons(self) -> bool:
        """Whether an error is in Triton's own form; a gateway writes text, or nothing."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return False
        return isinstance(document, dict) and "error" in document

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
    """Send one request on a connection of its own and read the answer; a door that has had enough is asked again.

    Args:
        endpoint: whom to ask.
        method: ``GET`` or ``POST``.
        path: as it is to be sent after the endpoint's base, with its leading slash.
        message: the body; none at all for None.
        timeout_s: how long to wait for the connection, and then for each next byte.

    Raises:
        NoAnswerError: names the request and what happened instead of an answer; a gateway that does not reach its
            server is none.
        UntrustedError: the same where its certificate is not trusted.
        TurnedAwayError: the door wants to know who asks, or goes on having enough.
    """
    return patiently(lambda: _answer(endpoint, method, path, message, timeout_s))


def _answer(endpoint: Endpoint, method: str, path: str, message: Message | None, timeout_s: float) -> Reply:
    reply = any_reply(endpoint, method, path, message, timeout_s=timeout_s)
    asked = f"{method} {endpoint}{path}: status {reply.status}"
    if reply.status in TURNED_AWAY:
        raise (BusyError if reply.status == BUSY else TurnedAwayError)(_with_reason(asked, reply))
    if reply.status in SERVER_IS_GONE and not reply.is_tritons:
        raise NoAnswerError(_with_reason(f"{asked} of a gateway", reply))
    return reply


def any_reply(endpoint: Endpoint, method: str, path: str, message: Message | None = None, *, timeout_s: float) -> Reply:
    """Do as `exchange`, and return whatever answers: the server, its gateway, or the door that stays shut.

    Raises:
        NoAnswerError: names the request and what happened instead of an answer.
        UntrustedError: the same where its certificate is not trusted.
    """
    asked = f"{method} {endpoint}{path}"
    connection = _connection(endpoint, timeout_s)
    try:
        connection.connect()
        _send(connection, method, endpoint.base + path, message, endpoint.access.headers)
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(status=response.status, body=response.read(), headers=headers)
    except TimeoutError:
        raise NoAnswerError(f"{asked}: no answer within {timeout_s:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise no_answer_from(error, asked) from None
    finally:
        connection.close()


def _connection(endpoint: Endpoint, timeout_s: float) -> http.client.HTTPConnection:
    if endpoint.scheme == "https":
        context = endpoint.access.context
        return http.client.HTTPSConnection(endpoint.host, endpoint.port, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=timeout_s)


def _with_reason(asked: str, reply: Reply) -> str:
    return f"{asked}: {reply.reason.splitlines()[0][:200]}" if reply.reason else asked


def _described(tensor: Tensor) -> dict[str, Any]:
    return TensorSpec(INPUT_NAME, tensor.shape).document()


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    message: Message | None,
    access: Mapping[str, str],
) -> None:
    connection.putrequest(method, path)
    connection.putheader("Connection", "close")
    sent = {} if message is None else message.headers
    if message is not None:
        connection.putheader("Content-Length", str(len(message.body) + message.missing_bytes))
    for name, value in {**access, **sent}.items():
        connection.putheader(name, value)
    connection.endheaders()
    if message is None:
        return
    try:
        connection.send(message.body)
        if message.missing_bytes:
            socket.shutdown(connection.sock, SHUT_WR)  # TLS's own would end the reading too
    except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
        # A server may answer and close before it has read everything; the answer is there to be read.
        return
