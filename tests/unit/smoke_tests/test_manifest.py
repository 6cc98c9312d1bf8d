import hashlib
import json
from typing import Any

import pytest

from smoke_tests.errors import OptionError
from smoke_tests.manifest import Manifest, labels_sha256

MISSING = object()


def manifest_text(changed: str = "", value: object = None) -> str:
    """A manifest of three classes with one value changed, or taken out."""
    document: dict[str, Any] = {
        "schema": 1,
        "planId": "0123456789abcdef",
        "model": "densenet_tensorrt",
        "target": "onnxruntime",
        "precision": "fp32",
        "maxBatchSize": 0,
        "source": {"kind": "onnx", "url": None, "sha256": "0" * 64},
        "input": {"name": "input", "datatype": "FP32", "shape": [3, 224, 224]},
        "output": {"name": "output", "datatype": "FP32", "shape": [3]},
        "files": {"densenet_tensorrt/labels.txt": "1" * 64},
        "golden": {
            "imageSha256": "2" * 64,
            "preprocessing": "imagenet",
            "class": 2,
            "label": "COFFEE MUG",
            "tolerance": 0.01,
            "scores": [1, 2.5, 3.0],
        },
    }
    *parents, key = changed.split(".")
    place = document
    for parent in parents:
        place = place[parent]
    if value is MISSING:
        del place[key]
    elif key:
        place[key] = value
    return json.dumps(document)


def test_manifest_is_read() -> None:
    manifest = Manifest.from_json(manifest_text())
    assert (manifest.plan_id, manifest.model) == ("0123456789abcdef", "densenet_tensorrt")
    assert (manifest.source_kind, manifest.max_batch_size, manifest.classes) == ("onnx", 0, 3)
    golden = manifest.golden
    assert (golden.expectation.class_index, golden.expectation.label) == (2, "COFFEE MUG")
    assert (golden.tolerance, golden.scores) == (0.01, (1.0, 2.5, 3.0))


def test_golden_scores_may_be_null() -> None:
    assert Manifest.from_json(manifest_text("golden.scores", None)).golden.scores is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 2),
        ("schema", "1"),
        ("schema", True),
        ("planId", None),
        ("model", 7),
        ("maxBatchSize", -1),
        ("maxBatchSize", 0.5),
        ("input", {"name": "data_0", "datatype": "FP32", "shape": [3, 224, 224]}),
        ("output", {"name": "output", "datatype": "FP16", "shape": [3]}),
        ("output.shape", [1, 3]),
        ("output.shape", ["3"]),
        ("files", []),
        ("golden.preprocessing", "inception"),
        ("golden.class", 3),
        ("golden.class", -1),
        ("golden.tolerance", 0),
        ("golden.tolerance", "0.01"),
        ("golden.tolerance", float("nan")),
        ("golden.tolerance", float("inf")),
        ("golden.scores", [1.0, 2.0]),
        ("golden.scores", [1.0, 2.0, float("nan")]),
        ("golden.scores", [1.0, 2.0, None]),
        ("golden.scores", {}),
    ],
)
def test_what_is_not_accepted_is_named(key: str, value: object) -> None:
    with pytest.raises(OptionError, match="accepted is") as refusal:
        Manifest.from_json(manifest_text(key, value))
    assert str(refusal.value).startswith(f"{key} is ")


@pytest.mark.parametrize("key", ["schema", "planId", "source.kind", "output.shape", "golden", "golden.scores"])
def test_what_is_missing_is_named(key: str) -> None:
    with pytest.raises(OptionError, match=rf"^{key}(\.\w+)? is missing; a manifest of schema 1 is accepted$"):
        Manifest.from_json(manifest_text(key, MISSING))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"manifest"'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"not JSON|schema is missing"):
        Manifest.from_json(text)


def test_labels_hash_as_their_file() -> None:
    for file, newline in ((b"MUG\nCUP\n", True), (b"MUG\nCUP", False)):
        assert labels_sha256(["MUG", "CUP"], final_newline=newline) == hashlib.sha256(file).hexdigest()
