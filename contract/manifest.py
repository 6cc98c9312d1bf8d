"""manifest.json: what a published model repository is, where it came from and what it must answer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contract.comparison import SCALES, Tolerance
from contract.errors import ManifestError, PreprocessingError
from contract.expectation import Expectation, expectation_from_fields
from contract.fields import Fields, shown
from contract.preprocessing import Preprocessing, preprocessing_from_value
from contract.served import DATATYPE, DEFAULT_SIDE, INPUT_NAME, OUTPUT_NAME, ImageShape, input_of, output_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 2

_ID = re.compile(r"[0-9a-f]{16}")
_ID_ACCEPTED = "16 lower-case hex digits"
_INPUT_FILE = re.compile(r"golden_input_[0-9]+\.bin")
_RANK, _CHANNELS = 3, (3, 1)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class SourceRecord:
    """What the plan was made from.

    Attributes:
        kind: ``package``, ``onnx`` or ``prebuilt``.
        name: the package's model, the file's URL without what may be secret, or the folder on the storage.
        sha256: of the weights, of the ONNX file, or the folder's digest.
        output: the model's own output that is served; None where it has one.
    """

    kind: str
    name: str
    sha256: str
    output: str | None = None


@dataclass(frozen=True)
class Reference:
    """How far the served model is from the one that it was made from, at worst, over all that was compared.

    Attributes:
        largest: the largest difference of a score, in spreads.
        cosine: the smallest cosine.
        top: the fewest of the original's first five classes among the first five.
        tolerance: what was accepted.
    """

    largest: float
    cosine: float
    top: int
    tolerance: Tolerance


@dataclass(frozen=True)
class GoldenPicture:
    """What the plan answers to one expected picture.

    Attributes:
        sha256: of the picture's file.
        input_file: the repository's file with its tensor.
        expectation: what it must be called.
        scores: one for each class, or None where the builder could not run the plan.
    """

    sha256: str
    input_file: str
    expectation: Expectation
    scores: tuple[float, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Golden:
    """The golden answers.

    Attributes:
        scale: ``logits`` or ``probabilities``, as was found out.
        tolerance: how far an answer may be from the golden one.
        pictures: one or more; the first is the one that is shown.
    """

    scale: str
    tolerance: Tolerance
    pictures: tuple[GoldenPicture, ...]


@dataclass(frozen=True)
class Manifest:
    """One published plan.

    Attributes:
        engine_id: of the compiled engine that the plan serves; None where nothing is compiled.
        max_batch_size: 0 for one picture a request, without batch dimension.
        shape: channels, height and width of a picture's tensor.
        classes: the length of one picture's scores.
        files: SHA-256 of every file but the manifest, by POSIX path relative to the repository.
        versions: of what decided the build's result.
        reference: None where there was no original to run.
        tensorrt: what a TensorRT plan is tied to, and how it was compiled; None for any other plan.
    """

    plan_id: str
    engine_id: str | None
    model: str
    target: str
    precision: str
    max_batch_size: int
    source: SourceRecord
    shape: ImageShape
    classes: int
    preprocessing: Preprocessing
    files: Mapping[str, str] = field(repr=False)
    versions: Mapping[str, str]
    reference: Reference | None
    tensorrt: Mapping[str, Any] | None
    golden: Golden


def json_from_manifest(manifest: Manifest) -> str:
    """Return the manifest as compact JSON, the same text in its file, in the Job's report and in its digest."""
    return json.dumps(document_from_manifest(manifest), separators=(",", ":"), allow_nan=False)


def document_from_manifest(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as a JSON document."""
    source, reference = manifest.source, manifest.reference
    return {
        "schema": SCHEMA,
        "planId": manifest.plan_id,
        "engineId": manifest.engine_id,
        "model": manifest.model,
        "target": manifest.target,
        "precision": manifest.precision,
        "maxBatchSize": manifest.max_batch_size,
        "source": {"kind": source.kind, "name": source.name, "sha256": source.sha256, "output": source.output},
        "input": input_of(manifest.shape).document(),
        "output": output_of(manifest.classes).document(),
        "preprocessing": manifest.preprocessing.document(),
        "files": dict(manifest.files),
        "versions": dict(manifest.versions),
        "reference": None
        if reference is None
        else {
            "largest": reference.largest,
            "cosine": reference.cosine,
            "top": reference.top,
            "tolerance": reference.tolerance.document(),
        },
        "tensorrt": None if manifest.tensorrt is None else dict(manifest.tensorrt),
        "golden": {
            "scale": manifest.golden.scale,
            "tolerance": manifest.golden.tolerance.document(),
            "pictures": [_document_from_picture(picture) for picture in manifest.golden.pictures],
        },
    }


def manifest_from_json(text: str) -> Manifest:
    """Read a manifest strictly.

    Raises:
        ManifestError: names every key that is wrong, what stands there and what is accepted.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"not JSON: {error}; accepted: a model repository's manifest.json") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else None
        raise ManifestError(
            f"schema is {shown(found)}; accepted: a manifest of schema {SCHEMA}, as this version builds it; "
            "`make up` builds it"
        )
    fields = Fields(document)
    fields.raw("schema")
    manifest = _manifest_from_fields(fields)
    if fields.faults:
        raise ManifestError("; ".join(fields.faults))
    return manifest


def _manifest_from_fields(fields: Fields) -> Manifest:
    shape, classes = _shape(fields), _classes(fields)
    manifest = Manifest(
        plan_id=fields.text("planId", accepts=_ID.fullmatch, accepted=_ID_ACCEPTED),
        engine_id=fields.optional_text("engineId", accepts=_ID.fullmatch, accepted=_ID_ACCEPTED),
        model=fields.text("model"),
        target=fields.text("target"),
        precision=fields.text("precision"),
        max_batch_size=fields.count("maxBatchSize"),
        source=_source(fields.group("source")),
        shape=shape,
        classes=classes,
        preprocessing=_preprocessing(fields, shape),
        files=fields.texts("files"),
        versions=fields.texts("versions"),
        reference=_reference(fields.optional_group("reference")),
        tensorrt=fields.optional_object("tensorrt"),
        golden=_golden(fields.group("golden"), classes),
    )
    fields.end()
    return manifest


def _shape(fields: Fields) -> ImageShape:
    """Take the input, which is the contract's but for its own shape."""
    found = fields.group("input")
    shape = found.counts("shape")
    channels, height, width = shape if len(shape) == _RANK else (0, 0, 0)
    if channels not in _CHANNELS or not height or not width:
        found.refuse("shape", list(shape), "[3 or 1, height, width]")
        channels, height, width = _CHANNELS[0], DEFAULT_SIDE, DEFAULT_SIDE
    _take_tensor(found, INPUT_NAME)
    return channels, height, width


def _classes(fields: Fields) -> int:
    """Take the output, which is the contract's but for its own length."""
    found = fields.group("output")
    shape = found.counts("shape")
    if len(shape) != 1 or not shape[0]:
        found.refuse("shape", list(shape), "[classes]")
    _take_tensor(found, OUTPUT_NAME)
    return shape[0] if shape else 0


def _take_tensor(fields: Fields, name: str) -> None:
    fields.text("name", accepts=name.__eq__, accepted=name)
    fields.text("datatype", accepts=DATATYPE.__eq__, accepted=DATATYPE)
    fields.end()


def _source(fields: Fields) -> SourceRecord:
    source = SourceRecord(
        kind=fields.text("kind"),
        name=fields.text("name"),
        sha256=_sha256(fields, "sha256"),
        output=fields.optional_text("output"),
    )
    fields.end()
    return source


def _preprocessing(fields: Fields, shape: ImageShape) -> Preprocessing:
    try:
        return preprocessing_from_value(fields.raw("preprocessing"), shape)
    except PreprocessingError as error:
        fields.faults.append(str(error))
    return preprocessing_from_value({}, shape)


def _reference(fields: Fields | None) -> Reference | None:
    if fields is None:
        return None
    reference = Reference(
        largest=fields.number("largest"),
        cosine=fields.number("cosine"),
        top=fields.count("top"),
        tolerance=_tolerance(fields.group("tolerance")),
    )
    fields.end()
    return reference


def _tolerance(fields: Fields) -> Tolerance:
    tolerance = Tolerance(
        largest=fields.number("largest", accepts=lambda largest: largest > 0, accepted="a number above 0"),
        cosine=fields.number("cosine", accepts=lambda cosine: 0 < cosine <= 1, accepted="a number above 0, at most 1"),
    )
    fields.end()
    return tolerance


def _golden(fields: Fields, classes: int) -> Golden:
    golden = Golden(
        scale=fields.text("scale", accepts=SCALES.__contains__, accepted=" or ".join(SCALES)),
        tolerance=_tolerance(fields.group("tolerance")),
        pictures=tuple(_picture(picture, classes) for picture in fields.groups("pictures")),
    )
    fields.end()
    return golden


def _picture(fields: Fields, classes: int) -> GoldenPicture:
    expectation = expectation_from_fields(fields)
    for key, value, accepted in expectation.faults(classes):
        fields.refuse(key, value, accepted)
    picture = GoldenPicture(
        sha256=_sha256(fields, "sha256"),
        input_file=fields.text("inputFile", accepts=_INPUT_FILE.fullmatch, accepted="a file of the repository"),
        expectation=expectation,
        scores=None if fields.is_null("scores") else fields.numbers("scores", length=classes),
    )
    fields.end()
    return picture


def _document_from_picture(picture: GoldenPicture) -> dict[str, Any]:
    return {
        "sha256": picture.sha256,
        "inputFile": picture.input_file,
        **picture.expectation.document(),
        "scores": None if picture.scores is None else list(picture.scores),
    }


def _sha256(fields: Fields, key: str) -> str:
    return fields.text(key, accepts=_SHA256.fullmatch, accepted="64 lower-case hex digits")
