"""The requests of the quick start's clients, and of curl, work as they stand there."""

import numpy as np
import pytest

from smoke_tests.client import TritonClient
from smoke_tests.contract import INPUT, output_of
from smoke_tests.preprocessing import Tensor
from smoke_tests.settings import Settings
from smoke_tests.wire import exchange, json_message

TOLERANCE_WITHOUT_MANIFEST = 0.01


def test_python_client(client: TritonClient, image: Tensor, settings: Settings) -> None:
    """The Python client's: every class with its score and label, best first."""
    entries = client.classify(image, settings.classes)
    assert sorted(entry.class_index for entry in entries) == list(range(settings.classes))
    printed = [entry.score for entry in entries]
    assert printed == sorted(printed, reverse=True)
    assert [entry.class_index for entry in entries if not entry.label] == [], "classes without a label"
    scores = client.scores(image).ravel()
    by_class = np.array([entry.score for entry in sorted(entries, key=lambda entry: entry.class_index)])
    tolerance = settings.manifest.golden.tolerance if settings.manifest else TOLERANCE_WITHOUT_MANIFEST
    np.testing.assert_allclose(by_class, scores, rtol=0, atol=tolerance)
    assert entries[0].class_index == settings.expectation.class_index


def test_image_client(client: TritonClient, settings: Settings) -> None:
    """``image_client -s INCEPTION -c 3``: it reads metadata and config first, and is particular about both."""
    metadata, config = client.metadata(), client.config()
    (described,), (configured,) = metadata["inputs"], config["input"]
    batched = config["max_batch_size"] > 0
    assert len(metadata["outputs"]) == 1
    assert metadata["outputs"][0]["datatype"] == "FP32"
    assert len(described["shape"]) == 3 + batched
    assert configured["format"] == "FORMAT_NCHW", "image_client refuses a model that names no format"
    tensor = settings.image.inception
    classes = client.classify(tensor[None] if batched else tensor, 3)
    assert classes[0].class_index == settings.expectation.class_index


def test_json_request(image: Tensor, settings: Settings) -> None:
    """A request wholly in JSON, as a user of curl writes it, gets its scores in JSON."""
    message = json_message(image)
    if settings.max_body_bytes is not None and len(message.body) > settings.max_body_bytes:
        pytest.skip(f"an image in JSON has {len(message.body)} bytes, more than --max-body-bytes")
    reply = exchange(settings.url, "POST", f"/v2/models/{settings.model}/infer", message, timeout_s=settings.timeout_s)
    assert reply.status == 200, reply.reason
    (output,) = reply.document()["outputs"]
    assert output["name"] == output_of(settings.classes).name
    assert output["datatype"] == "FP32"
    assert int(np.argmax(output["data"])) == settings.expectation.class_index


def test_batch_is_answered_image_by_image(client: TritonClient, settings: Settings, max_batch_size: int) -> None:
    """Two images in one request get the scores that each gets alone."""
    if max_batch_size < 2:
        pytest.skip(f"the model takes no batches: its maxBatchSize is {max_batch_size}")
    batch = np.stack([settings.other_image.imagenet, settings.image.imagenet])
    scores = client.scores(batch)
    assert batch.shape[1:] == INPUT.shape
    assert scores.shape == (2, settings.classes)
    assert int(scores[0].argmax()) != settings.expectation.class_index
    assert int(scores[1].argmax()) == settings.expectation.class_index
