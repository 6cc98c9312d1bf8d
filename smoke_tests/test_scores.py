"""The answers are right, on the URL and on every replica by itself."""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from smoke_tests.client import Classified, TritonClient
from smoke_tests.comparison import disagreement, figures
from smoke_tests.endpoint import Endpoint
from smoke_tests.manifest import labels_sha256
from smoke_tests.preprocessing import Tensor
from smoke_tests.report import classification_table
from smoke_tests.settings import Settings

REQUESTS = 10

RecordProperty = Callable[[str, object], None]


def test_expected_class_is_on_top(
    replica: TritonClient,
    image: Tensor,
    settings: Settings,
    best_classes: dict[Endpoint, list[Classified]],
    record_property: RecordProperty,
) -> None:
    """The expected image is called what the configuration says."""
    classes = replica.classify(image, 3)
    best_classes[replica.endpoint] = classes
    for top in classes[:1]:
        record_property("top_class", top.class_index)
        record_property("top_score", top.score)
    table = "\n".join(classification_table(settings.image.name, classes))
    assert len(classes) == min(3, settings.classes), table
    assert classes[0].class_index == settings.expectation.class_index, table
    if settings.expectation.label is not None:
        assert classes[0].label == settings.expectation.label, table


def test_every_score_is_finite(replica: TritonClient, image: Tensor, settings: Settings) -> None:
    """One score a class, none of them NaN or infinite, the expected class the highest."""
    scores = replica.scores(image).ravel()
    assert scores.dtype == np.float32
    assert scores.shape == (settings.classes,)
    assert np.flatnonzero(~np.isfinite(scores)).tolist() == [], "classes whose score is no finite number"
    assert int(scores.argmax()) == settings.expectation.class_index


def test_every_score_is_the_golden(
    replica: TritonClient, image: Tensor, settings: Settings, record_property: RecordProperty
) -> None:
    """Every score is within the manifest's tolerance of what the reference gave."""
    if settings.manifest is None:
        pytest.skip("no --manifest, so no golden scores")
    golden = settings.manifest.golden
    if golden.scores is None:
        pytest.skip("the manifest has no golden scores: its builder could not run the model")
    scores = replica.scores(image).ravel()
    wrong = disagreement(scores, golden.scores, golden.tolerance)
    for name, figure in figures(scores, golden.scores, settings.expectation.class_index).items():
        record_property(name, figure)
    record_property("tolerance", golden.tolerance)
    assert not wrong, f"{replica.endpoint}: {wrong}"


def test_every_request_gets_the_answer(
    replica: TritonClient, image: Tensor, settings: Settings, record_property: RecordProperty
) -> None:
    """One request after the other is answered rightly; how long each takes is a figure, no verdict."""
    latencies_ms = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        scores = replica.scores(image)
        latencies_ms.append(1000 * (time.perf_counter() - begun))
        assert int(scores.argmax()) == settings.expectation.class_index
    record_property("latency_min_ms", min(latencies_ms))
    record_property("latency_median_ms", statistics.median(latencies_ms))
    record_property("latency_max_ms", max(latencies_ms))


def test_every_label_is_in_its_place(replica: TritonClient, image: Tensor, settings: Settings) -> None:
    """The labels, put back in the order of their classes, are the label file that the builder wrote."""
    if settings.manifest is None:
        pytest.skip("no --manifest, so no label file to compare with")
    if settings.manifest.source_kind == "prebuilt":
        pytest.skip("a prebuilt repository brings a label file of its own making")
    entries = sorted(replica.classify(image, settings.classes), key=lambda entry: entry.class_index)
    labels = [entry.label for entry in entries]
    served = {labels_sha256(labels, final_newline=newline) for newline in (True, False)}
    (output,) = replica.config()["output"]
    file = f"{settings.model}/{output['label_filename']}"
    promised = settings.manifest.files.get(file)
    assert promised in served, f"{replica.endpoint}: not the labels of the manifest's {file}"


def test_other_image_is_of_another_class(replica: TritonClient, settings: Settings, max_batch_size: int) -> None:
    """A model that calls everything a mug is no classifier."""
    other = settings.other_image.imagenet
    (top,) = replica.classify(other[None] if max_batch_size else other, 1)
    assert top.class_index != settings.expectation.class_index, settings.other_image.name
