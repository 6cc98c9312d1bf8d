import dataclasses
import json
from pathlib import Path

import pytest

from model_build.errors import RepositoryError
from model_build.manifest import (
    Golden,
    Manifest,
    SourceRecord,
    compact_json,
    current_versions,
    document_from_manifest,
    manifest_from_repository,
    write_manifest,
)
from model_build.reference import Reference

MANIFEST = Manifest(
    plan_id="0123456789abcdef",
    model="tiny",
    target="onnxruntime",
    precision="fp32",
    max_batch_size=8,
    source=SourceRecord(kind="onnx", url="https://models.example/m.onnx", sha256="a" * 64),
    classes=4,
    files={"golden_input.bin": "b" * 64},
    versions={"python": "3.11.2", "numpy": "1.26.4"},
    reference=Reference(max_abs_difference=1e-6, tolerance=0.01),
    tensorrt=None,
    golden=Golden(image_sha256="c" * 64, class_index=1, label="MUG", tolerance=0.01, scores=(0.5, 9.25, 3.0, -1.0)),
)


def test_the_document_is_that_of_schema_1() -> None:
    assert document_from_manifest(MANIFEST) == {
        "schema": 1,
        "planId": "0123456789abcdef",
        "model": "tiny",
        "target": "onnxruntime",
        "precision": "fp32",
        "maxBatchSize": 8,
        "source": {"kind": "onnx", "url": "https://models.example/m.onnx", "sha256": "a" * 64},
        "input": {"name": "input", "datatype": "FP32", "shape": [3, 224, 224]},
        "output": {"name": "output", "datatype": "FP32", "shape": [4]},
        "files": {"golden_input.bin": "b" * 64},
        "versions": {"python": "3.11.2", "numpy": "1.26.4"},
        "reference": {"maxAbsDifference": 1e-6, "tolerance": 0.01},
        "tensorrt": None,
        "golden": {
            "imageSha256": "c" * 64,
            "preprocessing": "imagenet",
            "class": 1,
            "label": "MUG",
            "tolerance": 0.01,
            "scores": [0.5, 9.25, 3.0, -1.0],
        },
    }


@pytest.mark.parametrize("scores", [MANIFEST.golden.scores, None])
@pytest.mark.parametrize("reference", [MANIFEST.reference, None])
def test_a_manifest_is_read_as_it_was_written(
    tmp_path: Path, scores: tuple[float, ...] | None, reference: Reference | None
) -> None:
    golden = dataclasses.replace(MANIFEST.golden, scores=scores)
    manifest = dataclasses.replace(MANIFEST, golden=golden, reference=reference)
    write_manifest(manifest, tmp_path)
    assert manifest_from_repository(tmp_path) == manifest


def test_the_compact_form_has_no_white_space() -> None:
    text = compact_json(MANIFEST)
    assert json.loads(text) == document_from_manifest(MANIFEST)
    assert " " not in text
    assert "\n" not in text


def test_an_unknown_key_of_the_source_is_refused(tmp_path: Path) -> None:
    document = document_from_manifest(MANIFEST)
    document["source"]["colour"] = "blue"
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    with pytest.raises(RepositoryError, match=r"no manifest of schema 1: .*colour"):
        manifest_from_repository(tmp_path)


def test_the_versions_are_those_that_decide_the_result() -> None:
    assert sorted(current_versions()) == ["numpy", "onnx", "onnxruntime", "python"]
