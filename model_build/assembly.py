"""Fills a repository's folder, all but the manifest, from each kind of source."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_build.adapt import classifier_from_original, original_from_onnx
from model_build.contract import MODEL_VERSION
from model_build.digest import sha256_of_bytes
from model_build.errors import AdaptError, InputsError
from model_build.fixture import fixture_onnx
from model_build.inputs import BuildInputs
from model_build.manifest import GOLDEN_INPUT_FILE, SourceRecord
from model_build.prebuilt import copy_prebuilt, labels_from_prebuilt
from model_build.preprocessing import Tensor
from model_build.reference import (
    Reference,
    check_answer,
    golden_input_from_picture,
    reference_from_models,
    top_table,
)
from model_build.repository import Order, Target, target_named
from model_build.scoring import Scores
from model_build.source import onnx_from_source
from model_build.spec import FixtureSource, OnnxSource, PrebuiltSource
from model_build.storage import Storage
from model_build.tensorrt.record import TensorRTRecord

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """What is known of a repository when its files are written.

    Attributes:
        labels: those that Triton will serve, one for each class.
        scores: the golden ones, float32 (classes,), or None where the builder cannot run the model.
        reference: None where there is no original to compare with.
        tensorrt: None where it is no TensorRT plan.
        tolerance: the largest accepted difference of a golden score.
    """

    source: SourceRecord
    labels: tuple[str, ...]
    scores: Scores | None
    reference: Reference | None
    tensorrt: TensorRTRecord | None
    tolerance: float


def assembled_repository(inputs: BuildInputs, storage: Storage, scratch: Path, repository: Path) -> Assembled:
    """Fill the folder ``repository``, which does not exist yet, from the source that the inputs name.

    Raises:
        ModelBuildError: the source cannot be had, does not fit the contract, or answers wrongly.
    """
    spec = inputs.spec
    target = target_named(spec.target, precision=spec.precision)
    machine = target.admit(spec)
    match spec.source:
        case PrebuiltSource():
            copy_prebuilt(spec.source, storage, repository)
            return _assembled_from_prebuilt(inputs, repository, source=spec.source, target=target, machine=machine)
        case FixtureSource():
            _LOGGER.info("making the DenseNet-121 fixture and fitting its head")
            data = fixture_onnx()
            record = SourceRecord(kind="fixture", url=None, sha256=sha256_of_bytes(data))
        case OnnxSource(url=url, sha256=sha256):
            data = onnx_from_source(spec.source, storage, scratch).read_bytes()
            record = SourceRecord(kind="onnx", url=url, sha256=sha256)
    original = original_from_onnx(data, name=record.url or "the fixture")
    _check_label_count(original.loaded.name, original.classes, inputs.labels)
    classifier = classifier_from_original(original, max_batch_size=spec.max_batch_size)
    reference = reference_from_models(classifier, original, inputs.picture)
    _LOGGER.info("adapted; differs from the original by at most %.2g", reference.max_abs_difference)
    order = Order(inputs=inputs, classifier=classifier, timing_caches=storage.timing_caches)
    return _assembled_from_classifier(order, repository, source=record, target=target, reference=reference)


def _assembled_from_classifier(
    order: Order, repository: Path, *, source: SourceRecord, target: Target, reference: Reference
) -> Assembled:
    inputs, classifier = order.inputs, order.classifier
    spec, labels = inputs.spec, inputs.labels
    golden_input = golden_input_from_picture(inputs.picture)
    check_answer(classifier.scores(golden_input[np.newaxis])[0], labels, spec.expect)
    written = target.write(order, repository / spec.model)
    check_answer(written.scores, labels, spec.expect)
    _LOGGER.info("the expected image: %s", top_table(written.scores, labels))
    _write_golden_input(golden_input, repository)
    return Assembled(
        source=source,
        labels=labels,
        scores=written.scores,
        reference=written.reference or reference,
        tensorrt=written.tensorrt,
        tolerance=target.tolerances[spec.precision],
    )


def _assembled_from_prebuilt(
    inputs: BuildInputs, repository: Path, *, source: PrebuiltSource, target: Target, machine: TensorRTRecord | None
) -> Assembled:
    spec = inputs.spec
    labels = labels_from_prebuilt(repository, spec) or inputs.labels
    golden_input = golden_input_from_picture(inputs.picture)
    _write_golden_input(golden_input, repository)
    scores = None
    try:
        scores = target.scores(repository / spec.model / MODEL_VERSION, golden_input)
    except AdaptError as error:
        _LOGGER.info("served as it is, without golden scores: %s", error)
    else:
        _check_label_count(str(source.path), len(scores), labels)
        check_answer(scores, labels, spec.expect)
    return Assembled(
        source=SourceRecord(kind="prebuilt", url=None, sha256=source.sha256),
        labels=labels,
        scores=scores,
        reference=None,
        tensorrt=machine,
        tolerance=target.tolerances[spec.precision],
    )


def _write_golden_input(image: Tensor, repository: Path) -> None:
    (repository / GOLDEN_INPUT_FILE).write_bytes(image.astype("<f4").tobytes())


def _check_label_count(name: str, classes: int, labels: tuple[str, ...]) -> None:
    if len(labels) != classes:
        raise InputsError(f"{name} has {classes} classes, but the labels file has {len(labels)} lines")
