"""A stand-in for a Triton server that can be spoilt, to see the smoke tests fail.

It proves nothing about Triton; the end-to-end tests ask the real one.
"""

import base64
import json
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.background import in_background

MODEL = "densenet_tensorrt"
CLASSES = 1000
INFER = f"/v2/models/{MODEL}/infer"
HEALTH = ("/v2/health/live", "/v2/health/ready")
HEADER_LENGTH = "Inference-Header-Content-Length"

Scores = NDArray[np.float32]


class RefusalError(Exception):
    """A bad request: the status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Reply:
    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(document: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(document).encode(), status, {"Content-Type": "application/json"})


def refusal_with_a_reason(error: RefusalError) -> Reply:
    return json_reply({"error": str(error)}, error.status)


def ranked_scores(best: list[int], classes: int = CLASSES) -> Scores:
    """Scores that fall from 12 for the best classes, and lie well below for all others."""
    scores = np.linspace(-3, 3, classes, dtype=np.float32)
    scores[best] = 12 - 2 * np.arange(len(best), dtype=np.float32)
    return scores


def triton_entries(scores: Scores, labels: list[str]) -> list[str]:
    order = np.argsort(-scores, kind="stable")
    return [f"{scores[i]:f}:{i}" + (f":{labels[i]}" if labels[i] else "") for i in order]


@dataclass
class StandIn:
    """What is served; a test spoils one thing of it before the server is asked.

    A picture that is blue most of all is the expected one, or a light one where there are no colours; a green one is
    the second, and anything else the other. Every picture has lesser scores of its own, which a turned one has not.
    """

    shape: tuple[int, int, int] = (3, 224, 224)
    labels: list[str] = field(default_factory=lambda: labels_of(CLASSES))
    expected: Scores = field(default_factory=lambda: ranked_scores([504, 968, 505]))
    second: Scores = field(default_factory=lambda: ranked_scores([968, 504]))
    other: Scores = field(default_factory=lambda: ranked_scores([722]))
    probabilities: bool = False
    spoilt: Callable[[Scores], Scores] = lambda row: row
    channel_order: int = 1
    entries: Callable[[Scores, list[str]], list[str]] = triton_entries
    metadata: dict[str, Any] = field(init=False)
    config: dict[str, Any] = field(
        default_factory=lambda: {
            "name": MODEL,
            "input": [{"name": "input", "format": "FORMAT_NCHW"}],
            "output": [{"name": "output", "label_filename": "labels.txt"}],
        }
    )
    replies: dict[str, Reply] = field(default_factory=dict)
    refusal: Callable[[RefusalError], Reply | None] = refusal_with_a_reason
    silent: set[str] = field(default_factory=set)
    max_batch_size: int = 0
    rows_in_order: Callable[[list[Scores]], list[Scores]] = list
    max_body_bytes: int = 2**62
    pads_short_bodies: bool = False
    understands_inception: bool = True
    wrong_every: int = 0
    rows_scored: int = 0
    dies_of_a_bad_request: bool = False
    dead: bool = False
    door: Callable[[str, Any, bytes], Reply | None] | None = None
    keys: dict[str, str] = field(default_factory=dict)
    lets_in: Callable[[str, str], bool] | None = None

    def __post_init__(self) -> None:
        self.config["max_batch_size"] = self.max_batch_size
        batch = [-1] if self.max_batch_size else []
        tensors = {"inputs": ("input", self.shape), "outputs": ("output", [len(self.labels)])}
        self.metadata = {"name": MODEL, "versions": ["1"]} | {
            key: [{"name": name, "datatype": "FP32", "shape": [*batch, *shape]}]
            for key, (name, shape) in tensors.items()
        }
        self.replies |= {path: Reply(b"") for path in (*HEALTH, f"/v2/models/{MODEL}/ready")}

    def reply(self, method: str, path: str, headers: Any, body: bytes) -> Reply | None:
        """Answer one request, or close the connection for None."""
        if self.keys and path not in HEALTH and not self._is_let_in(headers):
            return Reply(b"401 Unauthorized", 401, {"WWW-Authenticate": 'Basic realm="triton"'})
        promised = int(headers.get("Content-Length", 0))
        if len(body) < promised and not self.pads_short_bodies:
            return None
        body = body.ljust(promised, b"\0")
        refused = self.door(method, headers, body) if self.door else None
        if refused is not None:
            return refused
        try:
            return self._answer(method, path, headers, body)
        except RefusalError as error:
            self.dead = self.dies_of_a_bad_request
            return self.refusal(error)

    def _is_let_in(self, headers: Any) -> bool:
        client, _, key = (
            base64.b64decode(headers.get("Authorization", "").removeprefix("Basic ")).decode().partition(":")
        )
        return self.lets_in(client, key) if self.lets_in else self.keys.get(client) == key

    def _answer(self, method: str, path: str, headers: Any, body: bytes) -> Reply:
        if path in self.replies:
            return self.replies[path]
        if (method, path) == ("GET", f"/v2/models/{MODEL}"):
            return json_reply(self.metadata)
        if (method, path) == ("GET", f"/v2/models/{MODEL}/config"):
            return json_reply(self.config)
        if (method, path) == ("POST", INFER):
            return self._infer(headers, body)
        raise RefusalError(404, f"no {path} here")

    def _infer(self, headers: Any, body: bytes) -> Reply:
        if self.dead:
            return Reply(b"Bad Gateway", 502)
        if len(body) > self.max_body_bytes:
            raise RefusalError(413, "too large")
        request, images = parsed(headers, body, self.shape, batched=self.max_batch_size > 0)
        rows = self.rows_in_order([self._scores(image) for image in images])
        batch = [len(rows)] if self.max_batch_size else []
        (output,) = request.get("outputs", [{}])
        count = output.get("parameters", {}).get("classification")
        if count:
            entries = [entry.encode() for row in rows for entry in self.entries(row, self.labels)[:count]]
            data = b"".join(struct.pack("<I", len(entry)) + entry for entry in entries)
            return binary_reply("BYTES", [*batch, len(entries) // len(rows)], data)
        if output:
            return binary_reply("FP32", [*batch, len(rows[0])], b"".join(row.tobytes() for row in rows))
        described = {"name": "output", "datatype": "FP32", "shape": [*batch, len(rows[0])]}
        return json_reply({"outputs": [described | {"data": rows[0].tolist()}]})

    def _scores(self, image: Scores) -> Scores:
        self.rows_scored += 1
        wrong = bool(self.wrong_every) and self.rows_scored % self.wrong_every == 0
        return self.scores_of(image, wrong=wrong)

    def scores_of(self, image: Scores, *, wrong: bool = False) -> Scores:
        """What is answered to one picture, float32 (classes,)."""
        image = image[:: self.channel_order]
        by_channel = [self.other, self.second, self.expected]
        means = image.mean(axis=(1, 2))
        row = by_channel[int(means.argmax())] if len(image) == 3 else by_channel[2 * (means[0] > 0)]
        if wrong or (np.abs(image).max() <= 1 and not self.understands_inception):
            row = self.other if row is self.expected else self.expected
        row = row + np.where(row < 5, np.float32(0.3), 0) * np.cos(0.7 * np.arange(len(row)) + 5 * fingerprint(image))
        if self.probabilities:
            powers = np.exp(row - row.max())
            row = powers / powers.sum()
        return self.spoilt(row.astype(np.float32))


def labels_of(classes: int) -> list[str]:
    return ["COFFEE MUG" if index == 504 else f"LABEL {index}" for index in range(classes)]


def fingerprint(image: Scores) -> float:
    """A number that is another for each channel's place and for each turn of a picture."""
    channels, height, width = (np.linspace(0.5, 1.5, side) for side in image.shape)
    weights = channels[:, None, None] * height[:, None] ** 2 * width**3
    return float((image * weights).mean())


def parsed(headers: Any, body: bytes, shape: tuple[int, int, int], *, batched: bool) -> tuple[dict[str, Any], Scores]:
    """Read an infer request as strictly as Triton does; the images are float32 (N, *shape)."""
    length = int(headers.get(HEADER_LENGTH, len(body)))
    try:
        request = json.loads(body[:length])
        (tensor,) = request["inputs"]
    except (ValueError, KeyError):
        raise RefusalError(500, "no request") from None
    batch = tensor["shape"][:1] if batched else []
    if length > len(body) or tensor | {"name": "input", "datatype": "FP32", "shape": [*batch, *shape]} != tensor:
        raise RefusalError(400, "not the contract")
    data = np.array(tensor["data"], np.float32).tobytes() if "data" in tensor else body[length:]
    if len(data) != 4 * np.prod(tensor["shape"]):
        raise RefusalError(400, "not the contract's size")
    return request, np.frombuffer(data, np.float32).reshape(-1, *shape)


def binary_reply(datatype: str, shape: list[int], data: bytes) -> Reply:
    output = {"name": "output", "datatype": datatype, "shape": shape}
    document = {"outputs": [output | {"parameters": {"binary_data_size": len(data)}}]}
    header = json.dumps(document).encode()
    return Reply(header + data, 200, {HEADER_LENGTH: str(len(header))})


@contextmanager
def serving(stand_in: StandIn, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on a free port of loopback, over TLS with a context; yield the URL."""
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece, or each waits for the client's acknowledgement

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path in stand_in.silent:
                released.wait()
                self.close_connection = True  # nobody is there any more
                return
            reply = stand_in.reply(self.command, self.path, self.headers, body)
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = handle_any  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Keep the tests' output readable."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        try:
            with in_background(server):
                yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"
        finally:
            released.set()
