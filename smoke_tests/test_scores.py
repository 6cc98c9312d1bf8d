"""The answers are right, on the URL and on every replica by itself."""

import hashlib
import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest

from contract.comparison import compared, disagreement
from contract.expectation import SHOWN, reasons_against
from contract.labels import text_from_labels
from smoke_tests.client import TritonClient
from smoke_tests.model import Model
from smoke_tests.question import Question, request_tensor
from smoke_tests.report import BestClasses, classification_table
from smoke_tests.settings import Settings

REQUESTS = 10

RecordProperty = Callable[[str, object], None]


def test_expected_class_is_on_top(
    replica: TritonClient,
    each_question: Question,
    model: Model,
    best_classes: BestClasses,
    record_property: RecordProperty,
) -> None:
    """Each picture is called what is expected."""
    shown = min(SHOWN, model.classes)
    classes = replica.classify(each_question.tensor, shown)
    best_classes.setdefault((replica.endpoint, each_question.name), classes)
    for top in classes[:1]:
        record_property("top_class", top.class_index)
        record_property("top_score", top.score)
    table = "\n".join(classification_table(each_question.name, classes))
    assert len(classes) == shown, table
    assert classes[0].class_index == each_question.expectation.class_index, table
    if each_question.expectation.label is not None:
        assert classes[0].label == each_question.expectation.label, table


def test_every_score_is_finite(replica: TritonClient, each_question: Question, model: Model) -> None:
    """One score a class, none of them NaN or infinite."""
    scores = replica.scores(each_question.tensor).ravel()
    assert scores.dtype == np.float32
    assert scores.shape == (model.classes,)
    assert np.flatnonzero(~np.isfinite(scores)).tolist() == [], "classes whose score is no finite number"


def test_ranks_and_margin_are_as_expected(replica: TritonClient, each_question: Question) -> None:
    """The expected class has the highest score, the first classes their order, and the lead is large enough."""
    scores = replica.scores(each_question.tensor).ravel().tolist()
    reasons = list(reasons_against(scores, each_question.expectation))
    assert not reasons, f"{replica.endpoint}: {each_question.name}: {'; '.join(reasons)}"


def test_every_score_is_the_golden(
    replica: TritonClient,
    each_question: Question,
    settings: Settings,
    record_property: RecordProperty,
) -> None:
    """Every score is within the manifest's tolerance of what the reference gave."""
    if settings.manifest is None:
        pytest.skip("no --manifest, so no golden scores")
    if each_question.golden is None:
        pytest.skip("the manifest has no golden scores: its builder could not run the model")
    scores = replica.scores(each_question.tensor).ravel().tolist()
    scale, tolerance = settings.manifest.golden.scale, settings.manifest.golden.tolerance
    figures = compared(scores, each_question.golden, scale=scale)
    record_property("max_difference_spreads", figures.largest)
    record_property("cosine", figures.cosine)
    record_property("top5_overlap", figures.top)
    for expected in scores[each_question.expectation.class_index :][:1]:
        record_property("expected_class_score", expected)
    record_property("expected_class_golden", each_question.golden[each_question.expectation.class_index])
    record_property("tolerance_spreads", tolerance.largest)
    record_property("tolerance_cosine", tolerance.cosine)
    wrong = disagreement(scores, each_question.golden, scale=scale, tolerance=tolerance)
    assert not wrong, f"{replica.endpoint}: {each_question.name}: {wrong}"


def test_every_request_gets_the_answer(
    replica: TritonClient, question: Question, record_property: RecordProperty
) -> None:
    """One request after the other is answered rightly; how long each takes is a figure, no verdict."""
    latencies_ms = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        scores = replica.scores(question.tensor)
        latencies_ms.append(1000 * (time.perf_counter() - begun))
        assert int(scores.argmax()) == question.expectation.class_index
    record_property("latency_min_ms", min(latencies_ms))
    record_property("latency_median_ms", statistics.median(latencies_ms))
    record_property("latency_max_ms", max(latencies_ms))


def test_every_label_is_in_its_place(
    replica: TritonClient, question: Question, settings: Settings, model: Model
) -> None:
    """The labels, put back in the order of their classes, are the label file that the builder wrote."""
    if settings.manifest is None:
        pytest.skip("no --manifest, so no label file to compare with")
    if settings.manifest.source.kind == "prebuilt":
        pytest.skip("a prebuilt repository brings a label file of its own making")
    entries = sorted(replica.classify(question.tensor, model.classes), key=lambda entry: entry.class_index)
    served = hashlib.sha256(text_from_labels(tuple(entry.label for entry in entries)).encode()).hexdigest()
    (output,) = replica.config()["output"]
    file = f"{settings.model}/{output['label_filename']}"
    promised = settings.manifest.files.get(file)
    assert served == promised, f"{replica.endpoint}: not the labels of the manifest's {file}"


def test_other_image_is_of_another_class(
    replica: TritonClient, question: Question, settings: Settings, model: Model
) -> None:
    """A model that calls everything a mug is no classifier."""
    if settings.other_image is None:
        pytest.skip("no --other-image")
    (top,) = replica.classify(request_tensor(settings.other_image, model), 1)
    assert top.class_index != question.expectation.class_index, settings.other_image.name
