"""Fills a repository's folder, all but the manifest, from each kind of source."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_build.adapt import classifier_from_original, original_from_onnx
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
from model_build.repository import ServedModel, Target, target_named
from model_build.scoring import Scores
from model_build.source import onnx_from_source
from model_build.spec import FixtureSource, OnnxSource, PrebuiltSource
from model_build.storage import Storage
from model_build.verify import scores_from_repository

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """What is known of a repository when its files are written.

    Attributes:
        labels: those that Triton will serve, one for each class.
        scores: the golden ones, float32 (classes,), or None where the builder cannot run the model.
        reference: None where there is no original to compare with.
    """

    source: SourceRecord
    labels: tuple[str, ...]
    scores: Scores | None
    reference: Reference | None


def assembled_repository(inputs: BuildInputs, storage: Storage, scratch: Path, repository: Path) -> Assembled:
    """Fill the folder ``repository``, which does not exist yet, from the source that the inputs name.

    Raises:
        ModelBuildError: the source cannot be had, does not fit the contract, or answers wrongly.
    """
    spec = inputs.spec
    if isinstance(spec.source, PrebuiltSource):
        return _assembled_from_prebuilt(spec.source, inputs, storage, repository)
    target = target_named(spec.target, precision=spec.precision)
    match spec.source:
        case FixtureSource():
            _LOGGER.info("making the DenseNet-121 fixture and fitting its head")
            data = fixture_onnx()
            record = SourceRecord(kind="fixture", url=None, sha256=sha256_of_bytes(data))
        case OnnxSource(url=url, sha256=sha256):
            data = onnx_from_source(spec.source, storage, scratch).read_bytes()
            record = SourceRecord(kind="onnx", url=url, sha256=sha256)
    return _assembled_from_onnx(data, record, target, inputs, repository)


def _assembled_from_onnx(
    data: bytes, record: SourceRecord, target: Target, inputs: BuildInputs, repository: Path
) -> Assembled:
    spec, labels = inputs.spec, inputs.labels
    original = original_from_onnx(data, name=record.url or "the fixture")
    _check_label_count(original.loaded.name, original.classes, labels)
    classifier = classifier_from_original(original, max_batch_size=spec.max_batch_size)
    reference = reference_from_models(classifier, original, inputs.picture)
    _LOGGER.info("adapted; differs from the original by at most %.2g", reference.max_abs_difference)

    golden_input = golden_input_from_picture(inputs.picture)
    scores = classifier.scores(golden_input[np.newaxis])[0]
    check_answer(scores, labels, spec.expect)
    _LOGGER.info("the expected image: %s", top_table(scores, labels))

    served = ServedModel(name=spec.model, onnx=classifier.onnx, labels=labels, max_batch_size=spec.max_batch_size)
    target.write(served, repository / spec.model)
    _write_golden_input(golden_input, repository)
    return Assembled(source=record, labels=labels, scores=scores, reference=reference)


def _assembled_from_prebuilt(
    source: PrebuiltSource, inputs: BuildInputs, storage: Storage, repository: Path
) -> Assembled:
    spec = inputs.spec
    copy_prebuilt(source, storage, repository)
    labels = labels_from_prebuilt(repository, spec) or inputs.labels
    _write_golden_input(golden_input_from_picture(inputs.picture), repository)
    scores = None
    try:
        scores = scores_from_repository(repository, spec.model)
    except AdaptError as error:
        _LOGGER.info("served as it is, without golden scores: %s", error)
    else:
        _check_label_count(str(source.path), len(scores), labels)
        check_answer(scores, labels, spec.expect)
    record = SourceRecord(kind="prebuilt", url=None, sha256=source.sha256)
    return Assembled(source=record, labels=labels, scores=scores, reference=None)


def _write_golden_input(image: Tensor, repository: Path) -> None:
    (repository / GOLDEN_INPUT_FILE).write_bytes(image.astype("<f4").tobytes())


def _check_label_count(name: str, classes: int, labels: tuple[str, ...]) -> None:
    if len(labels) != classes:
        raise InputsError(f"{name} has {classes} classes, but the labels file has {len(labels)} lines")
