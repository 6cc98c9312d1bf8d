"""The two addresses: the same for the same inputs, another for every single one that changes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from infra.plan_id import EngineInputs, PlanInputs, engine_id, plan_id

ENGINE = EngineInputs(
    source={"kind": "onnx", "sha256": "a" * 64, "output": None, "imageSize": None},
    precision="fp32",
    builder_image="localhost/model-build:1",
    serving_image="localhost/triton-cpu:1",
    tensorrt={"gpuProduct": "NVIDIA-H800", "batchProfile": None, "workspaceMib": 4096},
)
INPUTS = PlanInputs(
    engine=ENGINE,
    target="tensorrt",
    model="densenet_tensorrt",
    max_batch_size=0,
    instances=1,
    preprocessing="imagenet",
    labels_sha256="c" * 64,
    pictures=[{"sha256": "d" * 64, "class": 504, "label": "COFFEE MUG", "top": [], "margin": 0.0}],
)


def test_the_ids_are_pinned() -> None:
    assert engine_id(ENGINE) == "4917565cea6024e1"
    assert plan_id(INPUTS) == "9313e49fe685397b"


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(EngineInputs)])
def test_every_input_of_the_engine_changes_both_ids(name: str) -> None:
    changed: Any = dataclasses.replace(ENGINE, **{name: "changed"})
    assert engine_id(changed) != engine_id(ENGINE)
    assert plan_id(dataclasses.replace(INPUTS, engine=changed)) != plan_id(INPUTS)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(PlanInputs)][1:])
def test_every_other_input_changes_the_plans_id(name: str) -> None:
    value: Any = 7 if isinstance(getattr(INPUTS, name), int) else "changed"
    assert plan_id(dataclasses.replace(INPUTS, **{name: value})) != plan_id(INPUTS)
