"""manifest.json: what a published repository is, where it came from and what it must answer."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from model_build.contract import DATATYPE, GOLDEN_PREPROCESSING, IMAGE_SHAPE, INPUT_NAME, OUTPUT_NAME
from model_build.errors import RepositoryError
from model_build.reference import Reference
from model_build.tensorrt.record import TensorRTRecord, document_from_record, record_from_document

MANIFEST_FILE: Final = "manifest.json"
GOLDEN_INPUT_FILE: Final = "golden_input.bin"
_SCHEMA: Final = 1


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """What the plan was made from; the digest is the ONNX file's, or the prebuilt tree's."""

    kind: str
    url: str | None
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Golden:
    """What the plan answers to the expected image.

    Attributes:
        scores: one for each class, or None where the builder cannot run the plan.
        tolerance: the largest accepted difference of a score.
    """

    image_sha256: str
    class_index: int
    label: str
    tolerance: float
    scores: tuple[float, ...] | None
    preprocessing: str = GOLDEN_PREPROCESSING


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One published plan.

    Attributes:
        files: SHA-256 of every file but the manifest, by POSIX path relative to the repository.
        reference: the measured difference from the original, or None where there is none to run.
        tensorrt: the machine that a TensorRT plan is tied to; None for any other plan.
    """

    plan_id: str
    model: str
    target: str
    precision: str
    max_batch_size: int
    source: SourceRecord
    classes: int
    files: Mapping[str, str]
    versions: Mapping[str, str]
    reference: Reference | None
    tensorrt: TensorRTRecord | None
    golden: Golden


def current_versions() -> dict[str, str]:
    """Return the versions of what decides a build's result."""
    packages = {package: version(package) for package in ("onnx", "onnxruntime", "numpy")}
    return {"python": platform.python_version(), **packages}


def document_from_manifest(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as the JSON document of schema 1."""
    golden, reference = manifest.golden, manifest.reference
    return {
        "schema": _SCHEMA,
        "planId": manifest.plan_id,
        "model": manifest.model,
        "target": manifest.target,
        "precision": manifest.precision,
        "maxBatchSize": manifest.max_batch_size,
        "source": {
            "kind": manifest.source.kind,
            "url": manifest.source.url,
            "sha256": manifest.source.sha256,
        },
        "input": {"name": INPUT_NAME, "datatype": DATATYPE, "shape": list(IMAGE_SHAPE)},
        "output": {"name": OUTPUT_NAME, "datatype": DATATYPE, "shape": [manifest.classes]},
        "files": dict(manifest.files),
        "versions": dict(manifest.versions),
        "reference": None
        if reference is None
        else {"maxAbsDifference": reference.max_abs_difference, "tolerance": reference.tolerance},
        "tensorrt": None if manifest.tensorrt is None else document_from_record(manifest.tensorrt),
        "golden": {
            "imageSha256": golden.image_sha256,
            "preprocessing": golden.preprocessing,
            "class": golden.class_index,
            "label": golden.label,
            "tolerance": golden.tolerance,
            "scores": None if golden.scores is None else list(golden.scores),
        },
    }


def compact_json(manifest: Manifest) -> str:
    """Return the manifest as JSON without white space, as it stands in its file and in the ConfigMap."""
    return json.dumps(document_from_manifest(manifest), separators=(",", ":"), allow_nan=False)


def write_manifest(manifest: Manifest, repository: Path) -> None:
    """Write manifest.json into a repository."""
    (repository / MANIFEST_FILE).write_text(compact_json(manifest) + "\n", encoding="utf-8")


def manifest_from_repository(repository: Path) -> Manifest:
    """Read a repository's manifest.

    Raises:
        RepositoryError: there is none, or it is not of the schema that this builder writes.
    """
    path = repository / MANIFEST_FILE
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise RepositoryError(f"{path}: {error.strerror}; accepted: a published repository") from error
    except ValueError as error:
        raise RepositoryError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        raise RepositoryError(f"{path} is not of schema {_SCHEMA}")
    try:
        return _manifest_from_document(document)
    except (LookupError, TypeError, ValueError) as error:
        raise RepositoryError(f"{path} is no manifest of schema {_SCHEMA}: {error!r}") from error


def _manifest_from_document(document: Mapping[str, Any]) -> Manifest:
    golden, reference, scores = document["golden"], document["reference"], document["golden"]["scores"]
    return Manifest(
        plan_id=document["planId"],
        model=document["model"],
        target=document["target"],
        precision=document["precision"],
        max_batch_size=document["maxBatchSize"],
        source=SourceRecord(**document["source"]),
        classes=document["output"]["shape"][0],
        files=dict(document["files"]),
        versions=dict(document["versions"]),
        reference=None
        if reference is None
        else Reference(max_abs_difference=reference["maxAbsDifference"], tolerance=reference["tolerance"]),
        tensorrt=None if document["tensorrt"] is None else record_from_document(document["tensorrt"]),
        golden=Golden(
            image_sha256=golden["imageSha256"],
            preprocessing=golden["preprocessing"],
            class_index=golden["class"],
            label=golden["label"],
            tolerance=golden["tolerance"],
            scores=None if scores is None else tuple(float(score) for score in scores),
        ),
    )
