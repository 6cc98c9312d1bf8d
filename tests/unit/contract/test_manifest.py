import dataclasses
import json
from typing import Any

import pytest

from contract.comparison import Tolerance
from contract.errors import ManifestError
from contract.expectation import Expectation
from contract.manifest import (
    Golden,
    GoldenPicture,
    Manifest,
    Reference,
    SourceRecord,
    json_from_manifest,
    manifest_from_json,
)
from contract.preprocessing import preprocessing_from_value

SHAPE = (3, 224, 224)
TOLERANCE = Tolerance(largest=0.005, cosine=0.99999)
MUG = GoldenPicture(
    sha256="c" * 64,
    input_file="golden_input_0.bin",
    expectation=Expectation(1, label="MUG", top=(1, 2), margin=0.5),
    scores=(0.5, 9.25, 3.0, -1.0),
)
MANIFEST = Manifest(
    plan_id="0123456789abcdef",
    engine_id="fedcba9876543210",
    model="tiny",
    target="tensorrt",
    precision="fp16",
    max_batch_size=8,
    source=SourceRecord(kind="onnx", name="https://models.example/m.onnx", sha256="a" * 64, output="scores"),
    shape=SHAPE,
    classes=4,
    preprocessing=preprocessing_from_value("imagenet", SHAPE),
    files={"golden_input_0.bin": "b" * 64, "tiny/1/model.plan": "d" * 64},
    versions={"python": "3.11.2", "numpy": "2.1.0"},
    reference=Reference(largest=0.031, cosine=0.99991, top=5, tolerance=Tolerance(0.1, 0.9995)),
    tensorrt={"gpuProduct": "NVIDIA H800", "batchProfile": {"typical": 8, "largest": 64}},
    golden=Golden(scale="logits", tolerance=TOLERANCE, pictures=(MUG, dataclasses.replace(MUG, sha256="e" * 64))),
)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json_from_manifest(MANIFEST))
    return found


def faults(found: object) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        manifest_from_json(json.dumps(found))
    said = str(caught.value)
    assert "\n" not in said
    return [part for part in said.split("; ") if not part.startswith("accepted: ")]


def group_at(found: Any, path: str) -> tuple[Any, str]:
    """Return the object or list that a dotted path's last key lies in, and that key."""
    *groups, last = path.split(".")
    for key in groups:
        found = found[int(key) if isinstance(found, list) else key]
    return found, last


def test_the_document_is_that_of_schema_2() -> None:
    assert document() == {
        "schema": 2,
        "planId": "0123456789abcdef",
        "engineId": "fedcba9876543210",
        "model": "tiny",
        "target": "tensorrt",
        "precision": "fp16",
        "maxBatchSize": 8,
        "source": {"kind": "onnx", "name": "https://models.example/m.onnx", "sha256": "a" * 64, "output": "scores"},
        "input": {"name": "input", "datatype": "FP32", "shape": [3, 224, 224]},
        "output": {"name": "output", "datatype": "FP32", "shape": [4]},
        "preprocessing": {
            "resize": [256],
            "crop": [224, 224],
            "scale": 1 / 255,
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "channels": "rgb",
        },
        "files": {"golden_input_0.bin": "b" * 64, "tiny/1/model.plan": "d" * 64},
        "versions": {"python": "3.11.2", "numpy": "2.1.0"},
        "reference": {
            "largest": 0.031,
            "cosine": 0.99991,
            "top": 5,
            "tolerance": {"largest": 0.1, "cosine": 0.9995},
        },
        "tensorrt": {"gpuProduct": "NVIDIA H800", "batchProfile": {"typical": 8, "largest": 64}},
        "golden": {
            "scale": "logits",
            "tolerance": {"largest": 0.005, "cosine": 0.99999},
            "pictures": [
                {
                    "sha256": letter * 64,
                    "inputFile": "golden_input_0.bin",
                    "class": 1,
                    "label": "MUG",
                    "top": [1, 2],
                    "margin": 0.5,
                    "scores": [0.5, 9.25, 3.0, -1.0],
                }
                for letter in "ce"
            ],
        },
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"engine_id": None, "reference": None, "tensorrt": None, "max_batch_size": 0},
        {"source": dataclasses.replace(MANIFEST.source, output=None)},
        {"golden": dataclasses.replace(MANIFEST.golden, pictures=(dataclasses.replace(MUG, scores=None),))},
        {
            "golden": dataclasses.replace(
                MANIFEST.golden, pictures=(dataclasses.replace(MUG, expectation=Expectation(3)),)
            )
        },
        {"shape": (1, 28, 40), "preprocessing": preprocessing_from_value({"mean": 127}, (1, 28, 40))},
        {"model": "modèle", "versions": {}, "files": {}},
    ],
    ids=["whole", "no engine", "one output", "no scores", "a class alone", "one channel", "odd names"],
)
def test_writing_after_reading_is_the_identity(changes: dict[str, Any]) -> None:
    manifest = dataclasses.replace(MANIFEST, **changes)
    text = json_from_manifest(manifest)
    assert manifest_from_json(text) == manifest
    assert json_from_manifest(manifest_from_json(text)) == text


def test_scores_keep_every_digit() -> None:
    scores = (0.1, 1 / 3, 1e-300, 5.960464477539063e-08)
    picture = dataclasses.replace(MUG, scores=scores)
    golden = dataclasses.replace(MANIFEST.golden, pictures=(picture,))
    found = manifest_from_json(json_from_manifest(dataclasses.replace(MANIFEST, golden=golden)))
    assert found.golden.pictures[0].scores == scores


def test_the_text_is_one_line_without_white_space() -> None:
    text = json_from_manifest(MANIFEST)
    assert not {" ", "\n"} & set(text.replace("NVIDIA H800", ""))


def test_a_score_that_is_no_number_is_not_written() -> None:
    picture = dataclasses.replace(MUG, scores=(float("nan"),) * 4)
    golden = dataclasses.replace(MANIFEST.golden, pictures=(picture,))
    with pytest.raises(ValueError, match="JSON compliant"):
        json_from_manifest(dataclasses.replace(MANIFEST, golden=golden))


REQUIRED = [
    *("planId", "model", "target", "precision", "maxBatchSize", "source", "source.kind", "source.name"),
    *("source.sha256", "input", "input.name", "input.datatype", "input.shape", "output", "output.name"),
    *("output.datatype", "output.shape", "files", "versions", "reference.largest", "reference.cosine"),
    *("reference.top", "reference.tolerance", "reference.tolerance.largest", "reference.tolerance.cosine", "golden"),
    *("golden.scale", "golden.tolerance", "golden.tolerance.largest", "golden.pictures", "golden.pictures.1.sha256"),
    *("golden.pictures.1.inputFile", "golden.pictures.0.class", "golden.pictures.0.top", "golden.pictures.0.margin"),
]


@pytest.mark.parametrize("path", REQUIRED)
def test_a_missing_key_is_named(path: str) -> None:
    found = document()
    group, key = group_at(found, path)
    del group[key]
    assert f"{path} is missing" in faults(found)


def test_a_missing_preprocessing_is_named() -> None:
    found = document()
    del found["preprocessing"]
    assert faults(found) == ["preprocessing is null"]


@pytest.mark.parametrize("path", ["engineId", "reference", "tensorrt", "source.output", "golden.pictures.0.scores"])
def test_what_may_be_null_may_be_absent(path: str) -> None:
    found = document()
    group, key = group_at(found, path)
    del group[key]
    without = manifest_from_json(json.dumps(found))
    group[key] = None
    assert manifest_from_json(json.dumps(found)) == without


@pytest.mark.parametrize(
    "path",
    [
        *("colour", "source.colour", "input.colour", "output.colour", "preprocessing.colour", "reference.colour"),
        *("reference.tolerance.colour", "golden.colour", "golden.tolerance.colour", "golden.pictures.1.colour"),
    ],
)
def test_an_unknown_key_is_named(path: str) -> None:
    found = document()
    group, key = group_at(found, path)
    group[key] = "blue"
    assert faults(found) == [f"{path} is not a {'' if path.startswith('pre') else 'known '}key"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("planId", "0123456789ABCDEF"),
        ("planId", "0123456789abcdef0"),
        ("engineId", "none"),
        ("model", ""),
        ("maxBatchSize", -1),
        ("maxBatchSize", True),
        ("source.sha256", "A" * 64),
        ("input.name", "data"),
        ("input.datatype", "FP16"),
        ("input.shape", [224, 224]),
        ("input.shape", [4, 224, 224]),
        ("input.shape", [3, 0, 224]),
        ("output.shape", []),
        ("output.shape", [0]),
        ("output.shape", [4, 1]),
        ("files", {"a": 1}),
        ("versions", []),
        ("reference.top", 1.5),
        ("tensorrt", "10.6"),
        ("golden.scale", "percent"),
        ("golden.tolerance.largest", 0),
        ("golden.tolerance.cosine", 1.1),
        ("golden.tolerance.cosine", float("nan")),
        ("golden.pictures", []),
        ("golden.pictures.0.inputFile", "../model.onnx"),
        ("golden.pictures.0.class", 4),
        ("golden.pictures.0.top", [2, 1]),
        ("golden.pictures.0.margin", -1),
        ("golden.pictures.0.scores", [1, 2, 3]),
        ("golden.pictures.1.scores", [1, 2, 3, float("inf")]),
        ("preprocessing.std", 0),
        ("preprocessing.crop", [299, 299]),
    ],
)
def test_a_wrong_value_is_named_with_its_key(path: str, value: object) -> None:
    found = document()
    group, key = group_at(found, path)
    group[key] = value
    assert any(fault.startswith(f"{path} is ") for fault in faults(found))


def test_all_faults_are_told_at_once() -> None:
    found = document()
    found["planId"] = "x"
    found["colour"] = "blue"
    del found["source"]["kind"]
    found["golden"]["pictures"][1]["class"] = 9
    del found["golden"]["pictures"][1]["top"]
    assert [fault.split()[0] for fault in faults(found)] == [
        "planId",
        "source.kind",
        "golden.pictures.1.top",
        "golden.pictures.1.class",
        "colour",
    ]


@pytest.mark.parametrize("schema", [1, 3, None, "2"])
def test_another_schema_is_refused_by_it_alone(schema: object) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest_from_json(json.dumps({"schema": schema, "imageSha256": "c" * 64}))
    assert str(caught.value) == (
        f"schema is {json.dumps(schema)}; accepted: a manifest of schema 2, as this version builds it; "
        "`make up` builds it"
    )


@pytest.mark.parametrize("text", ["", "{", "mug", "[" * 100_000, '{"schema": 2, '])
def test_what_is_no_json_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ManifestError, match=r"^not JSON: .*; accepted: a model repository's manifest\.json$"):
        manifest_from_json(text)


@pytest.mark.parametrize("text", ["[]", "null", '"2"', "{}"])
def test_json_that_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match=r"^schema is null; "):
        manifest_from_json(text)
