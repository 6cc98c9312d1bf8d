import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from local_cluster.awaiting import await_condition
from smoke_tests.client import Classified
from smoke_tests.wire import HEADER_LENGTH
from tests.background import in_background
from tests.faults.account import Right
from tests.faults.load import Load, classification_message, right_from_manifest
from tests.unit.model_build.manifests import MANIFEST

RIGHT = Right(best=(Classified(score=2.0, class_index=1, label="MUG"),), tolerance=0.01)
MODEL = "densenet_tensorrt"
TENSOR = np.zeros((3, 224, 224), np.float32)


@contextmanager
def server(entry: str) -> Iterator[str]:
    """A server that gives every question the same answer, and its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"outputs": [{"data": [entry]}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening, in_background(listening):
        yield f"http://127.0.0.1:{listening.server_port}"


def load(url: str) -> Load:
    return Load(url, MODEL, RIGHT, TENSOR, rate_per_s=40)


def test_right_answers_are_counted_while_it_lasts() -> None:
    with server("2.001:1:MUG") as url, load(url) as running:
        await_condition("answers", lambda: None if running.right_answers > 2 else "too few", deadline_s=10)

    account = running.account()
    assert account.requests >= 3
    assert (account.failed, account.wrong) == (0, 0)


def test_a_wrong_answer_is_told_from_a_refusal() -> None:
    with server("2.001:1:CUP") as url, load(url) as wrong:
        await_condition("answers", lambda: None if wrong._answers else "none", deadline_s=10)  # noqa: SLF001 - to wait on
    with load(url) as refused:
        await_condition("answers", lambda: None if refused._answers else "none", deadline_s=10)  # noqa: SLF001 - to wait on

    assert wrong.account().wrong == wrong.account().requests
    assert refused.account().failed == refused.account().requests
    assert "refused" in refused.account().reasons[0][0]


@pytest.mark.parametrize("url", ["http://192.0.2.1:80", "https://triton.example/dev"])
def test_nobody_else_is_asked(url: str) -> None:
    with pytest.raises(ValueError, match="for this machine alone"):
        load(url)


def test_the_request_asks_for_classes_in_json() -> None:
    message = classification_message(TENSOR)

    header = json.loads(message.body[: int(message.headers[HEADER_LENGTH])])
    assert header["outputs"] == [{"name": "output", "parameters": {"classification": 3, "binary_data": False}}]
    assert len(message.body) - int(message.headers[HEADER_LENGTH]) == TENSOR.nbytes


def test_the_right_answer_is_the_golden_one() -> None:
    right = right_from_manifest(MANIFEST, ["a", "b"])

    assert [(one.class_index, one.label, one.score) for one in right.best] == [(1, "b", 9.25), (0, "a", 0.5)]
    assert right.tolerance == pytest.approx(0.005 * np.std([0.5, 9.25]))
