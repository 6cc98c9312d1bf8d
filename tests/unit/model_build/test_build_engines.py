"""What costs minutes of a GPU is compiled once, however many plans serve it; ONNX Runtime is behind the seam."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_build.errors import AnswerError
from model_build.repository import TARGETS
from model_build.repository.tensorrt_target import TensorRTTarget
from model_build.verify import verified_manifest
from tests.unit.model_build.conftest import expected
from tests.unit.model_build.onnx_device import OnnxDevice
from tests.unit.model_build.tensorrt_builds import TENSORRT, Builder, record_of, scores_of

ENGINE = "e" * 16
OTHER = "f" * 16
Tiny = Callable[..., bytes]


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> OnnxDevice:
    """Put a device behind target tensorrt."""
    device = OnnxDevice()
    monkeypatch.setitem(TARGETS, "tensorrt", TensorRTTarget(lambda: device))
    return device


@pytest.fixture
def build(write_inputs: Callable[..., Path], storage: Path, device: OnnxDevice) -> Builder:
    assert device
    return Builder(write_inputs, storage)


def test_an_engine_is_kept_under_its_id(build: Builder, tiny_classifier: Tiny) -> None:
    manifest = build(tiny_classifier(), engineId=ENGINE)
    assert manifest.engine_id == ENGINE
    (folder,) = (build.storage / "engines").iterdir()
    assert folder.name == ENGINE
    assert (folder / "model.plan").read_bytes() == (build.repository / "tiny" / "1" / "model.plan").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ("TENCH", "MUG", "CUP", "JUG")},
        {"tensorrt": TENSORRT | {"instances": 2}},
        {"expect": "another picture"},
        {"model": "other"},
    ],
    ids=str,
)
def test_another_plan_of_the_same_engine_compiles_nothing(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny, red_png: bytes, changes: dict[str, Any]
) -> None:
    first = build(tiny_classifier(), engineId=ENGINE)
    ran = len(device.batches)
    if "expect" in changes:
        folder = build.write_inputs(tiny_classifier())
        other = red_png + b"another file of the same pixels"
        (folder / hashlib.sha256(other).hexdigest()).write_bytes(other)
        changes = {"expect": [expected(red_png), expected(other)]}
    second = build(tiny_classifier(), engineId=ENGINE, planId=OTHER, **changes)

    assert len(device.asked) == 1
    assert len(device.batches) > ran  # it is compared with its original again
    assert first.tensorrt == second.tensorrt
    assert record_of(second).compilation
    assert second.reference == first.reference
    assert (second.plan_id, second.engine_id) == (OTHER, ENGINE)
    assert verified_manifest(build.storage / "repositories" / OTHER) == second
    assert first.files["tiny/1/model.plan"] == second.files[f"{second.model}/1/model.plan"]


def test_what_the_plan_does_not_share_is_its_own(build: Builder, tiny_classifier: Tiny) -> None:
    build(tiny_classifier(), engineId=ENGINE)
    build(tiny_classifier(), engineId=ENGINE, planId=OTHER, tensorrt=TENSORRT | {"instances": 2})
    config = (build.storage / "repositories" / OTHER / "tiny" / "config.pbtxt").read_text()
    assert "count: 2" in config


def test_another_engine_is_compiled(build: Builder, device: OnnxDevice, tiny_classifier: Tiny) -> None:
    build(tiny_classifier(), engineId=ENGINE)
    build(tiny_classifier(), engineId=OTHER, planId=OTHER, precision="tf32")
    assert [settings.tf32 for settings, _ in device.asked] == [False, True]
    assert sorted(path.name for path in (build.storage / "engines").iterdir()) == [ENGINE, OTHER]


def test_without_an_id_nothing_is_kept(build: Builder, device: OnnxDevice, tiny_classifier: Tiny) -> None:
    build(tiny_classifier())
    build(tiny_classifier(), planId=OTHER)
    assert len(device.asked) == 2
    assert not (build.storage / "engines").exists()


def test_a_kept_engine_that_answers_otherwise_is_not_published(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny
) -> None:
    build(tiny_classifier(), engineId=ENGINE)
    device.offset = {1: 0.5}
    with pytest.raises(AnswerError, match="the plan does not answer as its original"):
        build(tiny_classifier(), engineId=ENGINE, planId=OTHER)
    assert not (build.storage / "repositories" / OTHER).exists()


@pytest.mark.parametrize("damaged", ["model.plan", "engine.json"])
def test_a_damaged_engine_is_compiled_anew(
    build: Builder, device: OnnxDevice, tiny_classifier: Tiny, caplog: pytest.LogCaptureFixture, damaged: str
) -> None:
    first = build(tiny_classifier(), engineId=ENGINE)
    path = build.storage / "engines" / ENGINE / damaged
    path.write_bytes(path.read_bytes()[:-1])
    with caplog.at_level(logging.WARNING):
        second = build(tiny_classifier(), engineId=ENGINE, planId=OTHER)
    assert caplog.messages == [f"{path.parent} is damaged and not used; it is compiled anew"]
    assert len(device.asked) == 2
    assert scores_of(second) == scores_of(first)

    build(tiny_classifier(), engineId=ENGINE, planId="a" * 16)
    assert len(device.asked) == 2
