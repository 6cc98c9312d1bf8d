"""Fills a repository's folder, all but the manifest, from each kind of source."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from contract.comparison import LOGITS, Tolerance, scale_of_scores
from contract.errors import PreprocessingError
from contract.expectation import table
from contract.manifest import Reference, SourceRecord
from contract.packages import PACKAGES
from contract.pictures import tensor_from_picture
from contract.preprocessing import Preprocessing, preprocessing_from_value
from contract.served import DEFAULT_SIDE, MODEL_VERSION, ImageShape, golden_input_file
from model_build.adapt import Interface, Original, original_from_onnx
from model_build.errors import AdaptError, InputsError
from model_build.inputs import BuildInputs
from model_build.packages import onnx_from_package
from model_build.prebuilt import copy_prebuilt, prebuilt_model
from model_build.reference import adapted_classifier, check_answer, yardstick_from_original
from model_build.repository import Order, Target, target_named
from model_build.scoring import Scores, Tensor
from model_build.source import onnx_from_source
from model_build.spec import OnnxSource, PackageSource, PrebuiltSource
from model_build.storage import Storage
from model_build.tensorrt.record import TensorRTRecord

_LOGGER = logging.getLogger(__name__)

_RESIZE: Final = 256
"""The shorter side that a picture is resized to for a model of 224 pixels, by custom."""


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """What is known of a repository when its files are written.

    Attributes:
        labels: those that Triton will serve, one for each class.
        scores: the golden ones of each expected picture, float32 (classes,), or None where the builder cannot run
            the model.
        scale: of the scores.
        reference: None where there is no original to compare with.
        tensorrt: None where it is no TensorRT plan.
        tolerance: how far a run of the plan may be from the golden scores.
    """

    source: SourceRecord
    shape: ImageShape
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    scores: Sequence[Scores] | None
    scale: str
    reference: Reference | None
    tensorrt: TensorRTRecord | None
    tolerance: Tolerance


def assembled_repository(inputs: BuildInputs, storage: Storage, repository: Path) -> Assembled:
    """Fill the folder ``repository``, which does not exist yet, from the source that the inputs name.

    Raises:
        ModelBuildError: the source cannot be had, does not fit the contract, or answers wrongly.
    """
    spec = inputs.spec
    target = target_named(spec.target, precision=spec.precision)
    machine = target.admit(spec)
    pictures = inputs.pictures(storage.downloads)
    match spec.source:
        case PrebuiltSource():
            copy_prebuilt(spec.source, storage, repository, pictures=len(pictures))
            return _assembled_from_prebuilt(
                inputs, pictures, repository, source=spec.source, target=target, machine=machine
            )
        case PackageSource(name=name):
            package = PACKAGES[name]
            record = SourceRecord(kind="package", name=name, sha256=package.sha256)
            original = original_from_onnx(onnx_from_package(name), name=name)
            default: Any = dict(package.preprocessing)
        case OnnxSource() as source:
            record = SourceRecord(kind="onnx", name=source.shown, sha256=source.sha256, output=source.output)
            original = original_from_onnx(
                onnx_from_source(source, storage), name=source.shown, output=source.output, image_size=source.image_size
            )
            default = _customary_preprocessing(original.interface)
    _check_label_count(original.loaded.name, original.classes, inputs.labels)
    preprocessing = _preprocessing(inputs, default, original.interface.shape)
    _refuse_fractions(original.interface, preprocessing)
    return _assembled_from_original(
        inputs,
        storage,
        pictures,
        repository,
        source=record,
        original=original,
        preprocessing=preprocessing,
        target=target,
    )


def _assembled_from_original(
    inputs: BuildInputs,
    storage: Storage,
    pictures: Sequence[Image.Image],
    repository: Path,
    *,
    source: SourceRecord,
    original: Original,
    preprocessing: Preprocessing,
    target: Target,
) -> Assembled:
    spec, labels = inputs.spec, inputs.labels
    yardstick = yardstick_from_original(original, pictures, preprocessing, labels)
    classifier, reference = adapted_classifier(original, yardstick, max_batch_size=spec.max_batch_size)
    _LOGGER.info("adapted; differs from the original by at most %.2g spreads", reference.largest)
    golden = _golden_inputs(pictures, preprocessing)
    _check_answers(inputs, classifier.scores(np.stack(golden)), labels)
    order = Order(inputs=inputs, classifier=classifier, yardstick=yardstick, golden=golden, storage=storage)
    written = target.write(order, repository / spec.model)
    _check_answers(inputs, written.scores, labels)
    _LOGGER.info("the expected picture: %s", table(written.scores[0].tolist(), labels))
    _write_golden_inputs(golden, repository)
    return Assembled(
        source=source,
        shape=original.interface.shape,
        preprocessing=preprocessing,
        labels=labels,
        scores=written.scores,
        scale=yardstick.scale,
        reference=written.reference or reference,
        tensorrt=written.tensorrt,
        tolerance=target.tolerances[spec.precision],
    )


def _assembled_from_prebuilt(
    inputs: BuildInputs,
    pictures: Sequence[Image.Image],
    repository: Path,
    *,
    source: PrebuiltSource,
    target: Target,
    machine: TensorRTRecord | None,
) -> Assembled:
    spec = inputs.spec
    model = prebuilt_model(repository, spec)
    labels = model.labels or inputs.labels
    preprocessing = _preprocessing(inputs, "imagenet", model.shape)
    golden = _golden_inputs(pictures, preprocessing)
    _write_golden_inputs(golden, repository)
    scores = None
    try:
        scores = [target.scores(repository / spec.model / MODEL_VERSION, image) for image in golden]
    except AdaptError as error:
        _LOGGER.info("served as it is, without golden scores: %s", error)
    else:
        _check_label_count(str(source.path), len(scores[0]), labels)
        _check_answers(inputs, scores, labels)
    return Assembled(
        source=SourceRecord(kind="prebuilt", name=str(source.path), sha256=source.sha256),
        shape=model.shape,
        preprocessing=preprocessing,
        labels=labels,
        scores=scores,
        scale=scale_of_scores([row.tolist() for row in scores]) if scores else LOGITS,
        reference=None,
        tensorrt=machine,
        tolerance=target.tolerances[spec.precision],
    )


def _preprocessing(inputs: BuildInputs, default: Any, shape: ImageShape) -> Preprocessing:
    """The declared preprocessing, or the model's own, where it fits the model."""
    declared = inputs.spec.preprocessing
    try:
        return preprocessing_from_value(default if declared is None else declared, shape)
    except PreprocessingError as error:
        raise InputsError(f"model.{error}; the model takes {'x'.join(map(str, shape))}") from error


def _customary_preprocessing(interface: Interface) -> Any:
    """What a model without a declaration is asked in: ImageNet's, and whole numbers as they are."""
    if not interface.takes_whole_numbers:
        return "imagenet"
    return {"resize": round(_RESIZE * max(interface.shape[1:]) / DEFAULT_SIDE)}


def _refuse_fractions(interface: Interface, preprocessing: Preprocessing) -> None:
    """See that a model of whole numbers gets such."""
    if interface.takes_whole_numbers and not preprocessing.keeps_values:
        raise InputsError(
            "model.preprocessing makes fractions, but the model takes whole numbers of 0 to 255; accepted: one without "
            "scale, mean and std"
        )


def _golden_inputs(pictures: Sequence[Image.Image], preprocessing: Preprocessing) -> list[Tensor]:
    return [tensor_from_picture(picture, preprocessing) for picture in pictures]


def _write_golden_inputs(golden: Sequence[Tensor], repository: Path) -> None:
    for position, image in enumerate(golden):
        (repository / golden_input_file(position)).write_bytes(image.astype("<f4").tobytes())


def _check_answers(inputs: BuildInputs, scores: Sequence[Scores] | Scores, labels: tuple[str, ...]) -> None:
    for picture, row in zip(inputs.spec.expect, scores, strict=True):
        check_answer(row, labels, picture.expectation)


def _check_label_count(name: str, classes: int, labels: tuple[str, ...]) -> None:
    if len(labels) != classes:
        raise InputsError(f"{name} has {classes} classes, but the labels file has {len(labels)} lines")
