"""The requests of the quick start's clients, and of curl, work as they stand there."""

import numpy as np
import pytest

from contract.comparison import spread_of
from contract.expectation import SHOWN
from contract.preprocessing import preprocessing_from_value
from contract.served import DATATYPE, OUTPUT_NAME
from smoke_tests.client import TritonClient
from smoke_tests.model import Model
from smoke_tests.question import Question, request_tensor
from smoke_tests.settings import Settings
from smoke_tests.wire import ACCEPTS_HEADER, exchange, json_message

PRINTED = 1e-6
"""Triton prints scores with six decimals."""


def test_python_client(client: TritonClient, question: Question, model: Model) -> None:
    """The Python client's: every class with its score and label, best first."""
    entries = client.classify(question.tensor, model.classes)
    assert sorted(entry.class_index for entry in entries) == list(range(model.classes))
    printed = [entry.score for entry in entries]
    assert printed == sorted(printed, reverse=True)
    assert [entry.class_index for entry in entries if not entry.label] == [], "classes without a label"
    scores = client.scores(question.tensor).ravel()
    by_class = np.array([entry.score for entry in sorted(entries, key=lambda entry: entry.class_index)])
    tolerance = model.tolerance.largest * spread_of(scores.tolist()) + PRINTED
    np.testing.assert_allclose(by_class, scores, rtol=0, atol=tolerance)
    assert entries[0].class_index == question.expectation.class_index


def test_image_client(client: TritonClient, question: Question, model: Model) -> None:
    """``image_client -c 3``: it reads metadata and config first, and is particular about both."""
    metadata, config = client.metadata(), client.config()
    (described,), (configured,) = metadata["inputs"], config["input"]
    batched = config["max_batch_size"] > 0
    assert len(metadata["outputs"]) == 1
    assert metadata["outputs"][0]["datatype"] == DATATYPE
    assert len(described["shape"]) == 3 + batched
    assert configured["format"] == "FORMAT_NCHW", "image_client refuses a model that names no format"
    classes = client.classify(question.tensor, min(SHOWN, model.classes))
    assert classes[0].class_index == question.expectation.class_index


def test_image_client_with_inception(
    client: TritonClient, question: Question, settings: Settings, model: Model
) -> None:
    """``image_client -s INCEPTION``: the quick start's second preprocessing gives the class too."""
    if not settings.inception:
        pytest.skip("no --inception, so the model need not know another preprocessing than its own")
    inception = preprocessing_from_value("inception", model.shape)
    (top,) = client.classify(request_tensor(settings.images[0], model, inception), 1)
    assert top.class_index == question.expectation.class_index


def test_json_request(question: Question, settings: Settings) -> None:
    """A request wholly in JSON, as a user of curl writes it, gets its scores in JSON."""
    if settings.routed and not settings.json_bodies:
        pytest.skip("no --json-bodies, so the route need not give a whole request in JSON")
    message = json_message(question.tensor)
    if settings.max_body_bytes is not None and len(message.body) > settings.max_body_bytes:
        pytest.skip(f"a picture in JSON has {len(message.body)} bytes, more than --max-body-bytes")
    reply = exchange(settings.url, "POST", f"/v2/models/{settings.model}/infer", message, timeout_s=settings.timeout_s)
    accepted = reply.headers.get(ACCEPTS_HEADER.lower())
    if accepted and reply.status in {400, 413} and not reply.is_tritons and not settings.json_bodies:
        pytest.skip(f"the door takes {accepted}")
    assert reply.status == 200, reply.reason
    (output,) = reply.document()["outputs"]
    assert output["name"] == OUTPUT_NAME
    assert output["datatype"] == DATATYPE
    assert int(np.argmax(output["data"])) == question.expectation.class_index
