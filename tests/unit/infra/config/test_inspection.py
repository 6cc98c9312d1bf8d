"""What a model's file says of itself is told at preview, by one process and only where there is a file."""

from __future__ import annotations

import hashlib
import json
import pathlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.config import OnnxSource, StackConfig, config_from_values
from infra.config.faults import shown
from infra.config.inspection import inspection_from_file
from infra.errors import ConfigError, InspectionError

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "densenet-triton:model"
SHA256 = hashlib.sha256(b"").hexdigest()  # of the file that stands for a model


class Inspector:
    """Says the same of every file, and keeps what it was asked about."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.document = document
        self.asked: list[tuple[OnnxSource, Path]] = []

    def __call__(self, source: OnnxSource, path: Path) -> dict[str, Any]:
        self.asked.append((source, path))
        if self.document is None:
            raise InspectionError("ModuleNotFoundError: No module named 'onnx'")
        return self.document


@pytest.fixture
def values(dev_values: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """A stack whose model is a file at hand, and does not declare its preprocessing."""
    (tmp_path / "m.onnx").touch()
    dev_values[MODEL]["source"] = {"kind": "onnx", "url": f"file://{tmp_path}/m.onnx", "sha256": SHA256}
    dev_values[MODEL]["preprocessing"] = None
    return dev_values


def configured(values: dict[str, Any], inspector: Inspector) -> StackConfig:
    return config_from_values(values, stack="x", inspect=inspector)


def fault(values: dict[str, Any], inspector: Inspector) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(values, inspector)
    (line,) = caught.value.lines
    return line.removeprefix("Pulumi.x.yaml: densenet-triton:")


def test_a_file_at_hand_is_looked_into_once(values: dict[str, Any], tmp_path: Path) -> None:
    inspector = Inspector({"shape": [3, 224, 224], "classes": 1000, "wholeNumbers": False})
    config = configured(values, inspector)
    assert inspector.asked == [(config.model.source, tmp_path / "m.onnx")]


def test_a_file_that_does_not_say_its_classes_is_taken_at_the_labels_word(values: dict[str, Any]) -> None:
    assert (
        configured(values, Inspector({"shape": [3, 224, 224], "classes": None, "wholeNumbers": False})).inputs.labels[
            504
        ]
        == "COFFEE MUG"
    )


@pytest.mark.parametrize(
    "other",
    [
        {"plan": "00112233aabbccdd"},
        {"source": {"kind": "package", "name": "efficientnet-lite2"}},
        {"source": {"kind": "onnx", "url": "https://example.org/m.onnx", "sha256": SHA256}},
        {"source": {"kind": "prebuilt", "path": "uploads/densenet", "sha256": SHA256}},
    ],
    ids=["pinned", "package", "https", "prebuilt"],
)
def test_nothing_else_is_looked_into(values: dict[str, Any], other: dict[str, Any]) -> None:
    values[MODEL] |= other
    inspector = Inspector()
    configured(values, inspector)
    assert inspector.asked == []


def test_a_file_that_is_refused_anyway_is_not_looked_into(values: dict[str, Any], tmp_path: Path) -> None:
    inspector = Inspector()
    (tmp_path / "m.onnx").unlink()
    assert "there is no such file" in fault(values, inspector)
    (tmp_path / "m.onnx").touch()
    values["densenet-triton:cluster"]["context"] = "production"
    assert "cannot read this disk" in fault(values, inspector)
    assert inspector.asked == []


def test_another_file_than_is_named_is_refused_with_its_own_digest(values: dict[str, Any], tmp_path: Path) -> None:
    inspector = Inspector()
    (tmp_path / "m.onnx").write_bytes(b"another")
    digest = hashlib.sha256(b"another").hexdigest()
    assert fault(values, inspector) == (
        f'model.source.sha256 is "{SHA256}", and {tmp_path}/m.onnx is another file; '
        f"accepted: that file's own, {digest};"
        f" mend: in Pulumi.x.yaml set model.source.sha256: {digest}"
    )
    assert inspector.asked == []


def test_a_file_that_cannot_be_read(values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = pathlib.Path.open

    def closed(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "m.onnx":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr("pathlib.Path.open", closed)
    assert fault(values, Inspector()) == (
        f"model.source.url is {shown(f'file://{tmp_path}/m.onnx')}, which cannot be read: Permission denied;"
        f" accepted: a file that this user can read; mend: chmod a+r {tmp_path}/m.onnx"
    )


@pytest.mark.parametrize(
    ("key", "value", "mend"),
    [
        ("url", None, "in Pulumi.x.yaml set model.source.url: file:///path/to/model.onnx"),
        ("output", "logits", "in Pulumi.x.yaml set model.source.output: logits"),
        ("output", None, "remove model.source.output from Pulumi.x.yaml"),
        ("imageSize", [240, 320], "in Pulumi.x.yaml set model.source.imageSize: [240, 320]"),
    ],
)
def test_what_a_file_cannot_be_taken_for_is_one_line(
    values: dict[str, Any], key: str, value: object, mend: str
) -> None:
    refused = {"key": key, "found": "is not so", "accepted": "what is so", "value": value}
    line = fault(values, Inspector({"refused": refused}))
    assert line == f"model.source.{key} is not so; accepted: what is so; mend: {mend}"


def test_a_shape_that_the_preprocessing_does_not_fit(values: dict[str, Any]) -> None:
    values[MODEL]["preprocessing"] = {"resize": 256, "mean": [1, 2, 3]}
    line = fault(values, Inspector({"shape": [3, 299, 299], "classes": 1000, "wholeNumbers": False}))
    assert line.startswith("model.preprocessing.resize is 256; accepted: 299 or more")
    line = fault(values, Inspector({"shape": [1, 224, 224], "classes": 1000, "wholeNumbers": False}))
    assert line.startswith("model.preprocessing.mean is [1, 2, 3]; accepted: a number, for the model has one channel")


@pytest.mark.parametrize("shape", [[1, 28, 28]])
def test_the_default_is_missed_where_it_does_not_fit(values: dict[str, Any], shape: list[int]) -> None:
    inspector = Inspector({"shape": shape, "classes": 1000, "wholeNumbers": False})
    line = fault(values, inspector)
    assert line.startswith("model.preprocessing is missing, and by default ")
    values[MODEL]["preprocessing"] = yaml.safe_load(line.partition(" set model.preprocessing: ")[2])
    assert configured(values, inspector).model.preprocessing == "inception"


def test_where_the_build_cannot_be_run_the_cure_is_named(values: dict[str, Any]) -> None:
    assert fault(values, Inspector()) == (
        "model.source.url is a file that cannot be looked into: ModuleNotFoundError: No module named 'onnx';"
        " accepted: a checkout whose .venv has every locked package; mend: make venv"
    )


@pytest.mark.parametrize(("preprocessing", "fits"), [(None, True), ({"resize": 256}, True), ("imagenet", False)])
def test_a_model_of_whole_numbers_gets_no_fractions(
    values: dict[str, Any], preprocessing: object, *, fits: bool
) -> None:
    inspector = Inspector({"shape": [3, 224, 224], "classes": 1000, "wholeNumbers": True})
    values[MODEL]["preprocessing"] = preprocessing
    if fits:
        configured(values, inspector)
    else:
        line = fault(values, inspector)
        assert line.startswith('model.preprocessing is "imagenet", which makes fractions, and the model takes whole')
        assert line.endswith("mend: remove model.preprocessing from Pulumi.x.yaml")


@pytest.mark.parametrize("document", [{}, {"shape": [3]}, {"refused": {"key": "name"}}, {"shape": "3", "classes": 1}])
def test_what_nobody_understands_is_not_taken_for_an_answer(values: dict[str, Any], document: dict[str, Any]) -> None:
    assert "cannot be looked into: said what nobody understands" in fault(values, Inspector(document))


def stand_in(folder: Path, body: str) -> str:
    """A program in Python's place."""
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def source(**more: Any) -> OnnxSource:
    document = {"kind": "onnx", "url": "file:///m.onnx", "sha256": SHA256} | more
    return OnnxSource.model_validate_json(json.dumps(document))


@pytest.mark.parametrize(
    ("more", "flags"),
    [
        ({}, []),
        ({"output": "logits"}, ["--output", "logits"]),
        ({"imageSize": 320}, ["--image-size", "320", "320"]),
        ({"imageSize": [240, 320]}, ["--image-size", "240", "320"]),
    ],
)
def test_the_build_is_asked_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], flags: list[str]
) -> None:
    said = stand_in(tmp_path, "print(json.dumps({'shape': [3, 1, 1], 'said': sys.argv[1:]}))")
    monkeypatch.setattr(sys, "executable", said)
    found = inspection_from_file(source(**more), tmp_path / "m.onnx")
    assert found["said"] == ["-m", "model_build", "inspect", "--onnx", f"{tmp_path}/m.onnx", *flags]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit('Traceback\\nImportError: no onnx')", "ImportError: no onnx"),
        ("sys.exit(3)", "ended with status 3"),
        ("print('hello')", "said nothing that can be read"),
    ],
)
def test_a_process_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, why: str) -> None:
    monkeypatch.setattr(sys, "executable", stand_in(tmp_path, body))
    with pytest.raises(InspectionError, match=f"^{why}$"):
        inspection_from_file(source(), tmp_path / "m.onnx")


def test_a_python_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/no-python")
    with pytest.raises(InspectionError, match="no-python: No such file or directory"):
        inspection_from_file(source(), tmp_path / "m.onnx")
