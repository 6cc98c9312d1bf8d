"""The plan's id: the same for the same inputs, another for every single one that changes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from infra.plan_id import PlanInputs, build_code_digest, plan_id

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = PlanInputs(
    source_kind="onnx",
    source_sha256="a" * 64,
    build_code_sha256="b" * 64,
    builder_image="localhost/model-build:1",
    serving_image="localhost/triton-cpu:1",
    target="onnxruntime",
    precision="fp32",
    max_batch_size=0,
    model="densenet_tensorrt",
    labels_sha256="c" * 64,
    image_sha256="d" * 64,
    expected_class=504,
    expected_label="COFFEE MUG",
    tensorrt=None,
)


def test_the_id_is_pinned() -> None:
    assert plan_id(INPUTS) == "24b9a6d5a0a92197"


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(PlanInputs)])
def test_every_input_changes_the_id(name: str) -> None:
    value: Any = 7 if isinstance(getattr(INPUTS, name), int) else "changed"
    assert plan_id(dataclasses.replace(INPUTS, **{name: value})) != plan_id(INPUTS)


def test_build_code_is_code_and_pictures_by_path_and_content(tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "build.py").write_text("1")
    (tmp_path / "targets" / "mug.png").write_bytes(b"1")
    first = build_code_digest(tmp_path)
    (tmp_path / "README.md").write_text("not part of it")
    assert build_code_digest(tmp_path) == first
    (tmp_path / "targets" / "mug.png").write_bytes(b"2")
    second = build_code_digest(tmp_path)
    (tmp_path / "build.py").rename(tmp_path / "made.py")
    assert len({first, second, build_code_digest(tmp_path)}) == 3
