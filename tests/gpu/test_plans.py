"""From a real classifier to a plan that this GPU runs, and all that may make a plan another than it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bench.latency import triton_call
from bench.triton import missing_triton, running_triton
from model_build.errors import DeviceError, PlanError, RepositoryError, TargetError
from model_build.manifest import GOLDEN_INPUT_FILE, MANIFEST_FILE
from model_build.tensorrt.device import Device
from model_build.tensorrt.settings import ONE_IMAGE, STRONGLY_TYPED_SINCE, build_settings
from model_build.tensorrt.timing_cache import timing_cache_from_file, write_timing_cache
from model_build.verify import verified_manifest
from tools.cache import Cache
from tools.tensorrt import environment_of, releases, tensorrt_folder

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = np.zeros((1, 3, 224, 224), np.float32)


@pytest.mark.parametrize("max_batch_size", [0, 64])
def test_a_plan_answers_as_onnx_runtime_does(build: Any, max_batch_size: int) -> None:
    manifest = build(maxBatchSize=max_batch_size)
    assert manifest.reference.max_abs_difference <= manifest.reference.tolerance == 0.01
    assert manifest.golden.scores.index(max(manifest.golden.scores)) == build.source.class_index
    assert manifest.tensorrt.machine == build.device.describe()
    assert manifest.tensorrt.compilation.build_seconds > 0


def test_half_precision_is_built_or_refused_by_the_version(build: Any) -> None:
    if build.device.describe().version < STRONGLY_TYPED_SINCE:
        with pytest.raises(TargetError, match=r"^fp16 needs TensorRT 10\.0 or newer, this is"):
            build(precision="fp16")
    else:
        manifest = build(precision="fp16")
        assert 0 < manifest.reference.max_abs_difference <= 0.25


def test_tf32_is_a_precision_of_its_own(build: Any) -> None:
    manifest = build(precision="tf32")
    assert manifest.precision == "tf32"
    assert manifest.reference.max_abs_difference <= manifest.reference.tolerance == 0.05


@pytest.mark.parametrize("max_batch_size", [0, 64])
def test_a_plan_has_a_profile_for_one_image(build: Any, max_batch_size: int) -> None:
    build(maxBatchSize=max_batch_size)
    plan = (build.repository() / "classifier" / "1" / "model.plan").read_bytes()
    engine = build.device.engine_from_plan(plan)
    sizes = [
        [shape[0] for shape in engine.get_tensor_profile_shape("input", index)]
        for index in range(engine.num_optimization_profiles)
    ]
    assert sizes == [[1, 1, 1], [1, 8, 64]][: 2 if max_batch_size else 1]


@pytest.mark.parametrize("max_batch_size", [0, 64])
def test_triton_serves_the_plan_as_it_answers_alone(build: Any, max_batch_size: int) -> None:
    if missing := missing_triton():
        pytest.skip(missing)
    manifest = build(maxBatchSize=max_batch_size)
    image = np.fromfile(build.repository() / GOLDEN_INPUT_FILE, dtype="<f4").reshape(IMAGES.shape[1:])
    served = build.folder / "served"
    shutil.copytree(build.repository() / "classifier", served / "classifier")
    sizes = (1, 2, max_batch_size) if max_batch_size else (0,)
    with running_triton(served, "classifier") as url:
        for size in sizes:
            images = np.stack([image] * size) if size else image
            scores: Any = triton_call(url, "classifier", images)()
            assert scores.shape == ((size, manifest.classes) if size else (manifest.classes,))
            assert np.abs(scores - np.float32(manifest.golden.scores)).max() <= manifest.golden.tolerance


def test_a_timing_cache_that_tensorrt_refuses_is_measured_anew(build: Any, caplog: pytest.LogCaptureFixture) -> None:
    build()
    (path,) = (build.storage / "timing-caches").iterdir()
    write_timing_cache(bytes(len(timing_cache_from_file(path))), path)
    assert not build(planId="1" * 16).tensorrt.compilation.cache_hit
    assert any(message.startswith("TensorRT does not take the timing cache") for message in caplog.messages)
    assert build(planId="2" * 16).tensorrt.compilation.cache_hit


def test_building_again_finds_everything_in_the_timing_cache(build: Any) -> None:
    first = build().tensorrt.compilation
    again = build(planId="1" * 16).tensorrt.compilation
    assert (first.cache_hit, again.cache_hit) == (False, True)


def test_a_damaged_timing_cache_is_left_out(build: Any) -> None:
    build()
    (cache,) = (build.storage / "timing-caches").iterdir()
    cache.write_bytes(cache.read_bytes()[:-1])
    assert not build(planId="1" * 16).tensorrt.compilation.cache_hit


def writable_plan(build: Any) -> Path:
    build()
    plan: Path = build.repository() / "classifier" / "1" / "model.plan"
    for path in (plan, build.repository() / MANIFEST_FILE):
        path.chmod(0o644)
    return plan


def test_a_plan_with_one_other_byte_is_refused(build: Any) -> None:
    plan = writable_plan(build)
    data = bytearray(plan.read_bytes())
    data[len(data) // 2] ^= 1
    plan.write_bytes(data)
    with pytest.raises(RepositoryError, match=r"classifier/1/model\.plan has sha256 \w{64}, the manifest says"):
        verified_manifest(build.repository())


@pytest.mark.parametrize("part", [slice(0, 1000), slice(1000, None), slice(0, 0)], ids=["cut", "headless", "empty"])
def test_what_is_no_whole_plan_is_refused_by_tensorrt_in_one_line(build: Any, part: slice) -> None:
    plan = writable_plan(build).read_bytes()
    with pytest.raises(PlanError, match=r"^TensorRT \S+ cannot run the plan: [^\n]*$"):
        build.device.scores(plan[part], IMAGES)


def test_a_manifest_of_another_tensorrt_is_refused_with_both(build: Any) -> None:
    writable_plan(build)
    manifest = build.repository() / MANIFEST_FILE
    here = build.device.describe().version_text
    manifest.write_text(manifest.read_text().replace(f'"version":"{here}"', '"version":"9.9.9"'))
    with pytest.raises(DeviceError, match=rf"of TensorRT 9\.9\.9 on .*, but this is TensorRT {here} on"):
        verified_manifest(build.repository())


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
        device.describe().version, "fp32", batches=ONE_IMAGE, image_shape=IMAGES.shape[1:], workspace_mib=64
    )
    with pytest.raises(PlanError, match=r"it has no operator Det \(node 'volume'\); accepted: a model without it"):
        device.compile(model.SerializeToString(), settings, timing_cache=b"")
