"""From a real classifier to a plan that this GPU runs, and all that may make a plan another than it was."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from contract.manifest import Manifest
from contract.preprocessing import preprocessing_from_value
from contract.served import MANIFEST_FILE
from model_build.adapt import original_from_onnx
from model_build.errors import AnswerError, DeviceError, PlanError, RepositoryError, TargetError
from model_build.reference import adapted_classifier, yardstick_from_original
from model_build.tensorrt.comparison import compared_plan
from model_build.tensorrt.device import BatchProfile, Device, Machine
from model_build.tensorrt.precision import PRECISIONS
from model_build.tensorrt.record import Compilation, record_from_document
from model_build.tensorrt.settings import ONE_IMAGE, STRONGLY_TYPED_SINCE, build_settings
from model_build.verify import verified_manifest
from tests.classifiers import convolutional_classifier
from tests.wrong_classifiers import with_half_the_stem, with_reversed_channels, with_shifted_rows
from tools.cache import Cache
from tools.tensorrt import environment_of, releases, tensorrt_folder

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = np.zeros((1, 3, 224, 224), np.float32)


one_source = pytest.mark.parametrize("source", ["efficientnet-lite0"], indirect=True)
"""For what does not depend on the model: a compilation costs up to a minute."""


def record_of(manifest: Manifest) -> tuple[Machine, Compilation]:
    assert manifest.tensorrt
    record = record_from_document(manifest.tensorrt)
    assert record.compilation
    return record.machine, record.compilation


@pytest.mark.parametrize("max_batch_size", [0, 64])
@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16"])
def test_a_plan_answers_as_onnx_runtime_does_in_every_batch(build: Any, precision: str, max_batch_size: int) -> None:
    here = build.device.describe()
    if precision == "fp16" and here.version < STRONGLY_TYPED_SINCE:
        with pytest.raises(TargetError, match=r"^fp16 needs TensorRT 10\.0 or newer, this is"):
            build(precision=precision)
        return
    manifest = build(precision=precision, maxBatchSize=max_batch_size)
    machine, compilation = record_of(manifest)
    assert machine == here
    assert compilation.build_seconds > 0
    assert compilation.profile == (BatchProfile(typical=8, largest=64) if max_batch_size else ONE_IMAGE)
    assert manifest.reference.tolerance == PRECISIONS[precision].reference_tolerance
    assert 0 < manifest.reference.largest <= manifest.reference.tolerance.largest
    (picture,) = manifest.golden.pictures
    assert picture.scores.index(max(picture.scores)) == build.source.class_index
    assert verified_manifest(build.repository()) == manifest


@one_source
def test_a_plan_of_one_image_takes_no_two(build: Any) -> None:
    build()
    plan = (build.repository() / "classifier" / "1" / "model.plan").read_bytes()
    assert build.device.scores(plan, IMAGES).shape == (1, 1000)
    with pytest.raises(PlanError, match=r"^TensorRT \S+ cannot run the plan on a batch of 2: [^\n]*$"):
        build.device.scores(plan, np.concatenate([IMAGES, IMAGES]))


@one_source
def test_another_plan_of_the_same_engine_compiles_nothing(build: Any, caplog: pytest.LogCaptureFixture) -> None:
    first = build(engineId="e" * 16, maxBatchSize=64)
    with caplog.at_level(logging.INFO):
        second = build(engineId="e" * 16, maxBatchSize=64, planId="1" * 16, tensorrt=build.tensorrt(instances=2))
    assert f"engine {'e' * 16} is compiled already; comparing with the original" in caplog.messages
    assert not [line for line in caplog.messages if line.startswith("compiling")]
    assert second.tensorrt == first.tensorrt
    plan = "classifier/1/model.plan"
    assert second.files[plan] == first.files[plan]


@one_source
def test_building_again_finds_everything_in_the_timing_cache(build: Any) -> None:
    _, first = record_of(build())
    _, again = record_of(build(planId="1" * 16))
    assert (first.cache_hit, again.cache_hit) == (False, True)


@one_source
def test_a_damaged_timing_cache_is_left_out(build: Any) -> None:
    build()
    (cache,) = (build.storage / "timing-caches").iterdir()
    cache.write_bytes(cache.read_bytes()[:-1])
    _, compilation = record_of(build(planId="1" * 16))
    assert not compilation.cache_hit


@pytest.mark.parametrize("wrong", [with_half_the_stem, with_reversed_channels, with_shifted_rows])
def test_a_plan_of_another_model_is_refused(device: Device, wrong: Callable[[bytes], bytes]) -> None:
    labels = tuple(map(str, range(1000)))
    original = original_from_onnx(convolutional_classifier(), name="model")
    yardstick = yardstick_from_original(original, [], preprocessing_from_value("imagenet", (3, 224, 224)), labels)
    classifier, _ = adapted_classifier(original, yardstick, max_batch_size=4)
    profile = BatchProfile(typical=2, largest=4)
    settings = build_settings(
        device.describe().version, "fp32", batches=profile, image_shape=classifier.shape, workspace_mib=256
    )
    tolerance = PRECISIONS["fp16"].reference_tolerance
    right, other = (
        device.compile(onnx, settings, timing_cache=b"").plan for onnx in (classifier.onnx, wrong(classifier.onnx))
    )
    assert compared_plan(right, device, yardstick, profile=profile, tolerance=tolerance).top >= 4
    with pytest.raises(AnswerError, match="the plan does not answer as its original"):
        compared_plan(other, device, yardstick, profile=profile, tolerance=tolerance)


def writable_plan(build: Any) -> Path:
    build()
    plan: Path = build.repository() / "classifier" / "1" / "model.plan"
    for path in (plan, build.repository() / MANIFEST_FILE):
        path.chmod(0o644)
    return plan


@one_source
def test_a_plan_with_one_other_byte_is_refused(build: Any) -> None:
    plan = writable_plan(build)
    data = bytearray(plan.read_bytes())
    data[len(data) // 2] ^= 1
    plan.write_bytes(data)
    with pytest.raises(RepositoryError, match=r"classifier/1/model\.plan has sha256 \w{64}, the manifest says"):
        verified_manifest(build.repository())


@one_source
@pytest.mark.parametrize("part", [slice(0, 1000), slice(1000, None), slice(0, 0)], ids=["cut", "headless", "empty"])
def test_what_is_no_whole_plan_is_refused_by_tensorrt_in_one_line(build: Any, part: slice) -> None:
    plan = writable_plan(build).read_bytes()
    with pytest.raises(PlanError, match=r"^TensorRT \S+ cannot run the plan: [^\n]*$"):
        build.device.scores(plan[part], IMAGES)


@one_source
def test_a_manifest_of_another_tensorrt_is_refused_with_both(build: Any) -> None:
    writable_plan(build)
    manifest = build.repository() / MANIFEST_FILE
    here = build.device.describe().version_text
    manifest.write_text(manifest.read_text().replace(f'"version":"{here}"', '"version":"9.9.9"'))
    with pytest.raises(DeviceError, match=rf"of TensorRT 9\.9\.9 on .*, but this is TensorRT {here} on"):
        verified_manifest(build.repository())


@one_source
def test_a_plan_that_another_tensorrt_compiled_is_refused(build: Any) -> None:
    own, cache = build.device.describe().version_text, Cache.of_user()
    others = {version: tensorrt_folder(release, cache) for version, release in releases().items() if version != own}
    installed = [folder for folder in others.values() if folder.is_dir()]
    if not installed:
        pytest.skip(f"no other TensorRT is installed: python3 -m tools tensorrt {next(iter(others))}")
    settings = dict(part.split("=", 1) for part in environment_of(installed[0]).split()[1:])
    inputs = build.inputs(planId="2" * 16)
    command = ["-m", "model_build", "build", "--inputs", str(inputs), "--storage", str(build.storage)]
    subprocess.run([sys.executable, *command], check=True, cwd=REPOSITORY, env={**os.environ, **settings})
    plan = (build.repository("2" * 16) / "classifier" / "1" / "model.plan").read_bytes()
    with pytest.raises(PlanError, match=r"cannot run the plan: the plan is of another TensorRT; accepted: "):
        build.device.scores(plan, IMAGES)


def test_an_operator_that_tensorrt_lacks_is_named_with_its_node(device: Device) -> None:
    graph = helper.make_graph(
        [helper.make_node("Det", ["input"], ["output"], name="volume")],
        "determinants",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 224, 224])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    settings = build_settings(
        device.describe().version, "fp32", batches=ONE_IMAGE, image_shape=(3, 224, 224), workspace_mib=64
    )
    with pytest.raises(PlanError, match=r"it has no operator Det \(node 'volume'\); accepted: a model without it"):
        device.compile(model.SerializeToString(), settings, timing_cache=b"")
