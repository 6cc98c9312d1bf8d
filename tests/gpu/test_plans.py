"""From a real classifier to a plan that this GPU runs, and all that may make a plan another than it was."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from model_build.errors import DeviceError, PlanError, RepositoryError, TargetError
from model_build.manifest import MANIFEST_FILE
from model_build.tensorrt.device import BatchProfile, Device
from model_build.tensorrt.precision import STRONGLY_TYPED_SINCE
from model_build.verify import verified_manifest
from tools.cache import Cache
from tools.tensorrt import environment_of, releases, tensorrt_folder

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGES = np.zeros((1, 3, 224, 224), np.float32)


@pytest.mark.parametrize("max_batch_size", [0, 64])
def test_a_plan_answers_as_onnx_runtime_does(build: Any, max_batch_size: int) -> None:
    manifest = build(maxBatchSize=max_batch_size)
    assert manifest.reference.max_abs_difference <= manifest.reference.tolerance == 0.01
    assert manifest.golden.scores.index(max(manifest.golden.scores)) == 504
    assert manifest.tensorrt.machine == build.device.describe()
    assert manifest.tensorrt.compilation.build_seconds > 0


def test_half_precision_is_built_or_refused_by_the_version(build: Any) -> None:
    if build.device.describe().version < STRONGLY_TYPED_SINCE:
        with pytest.raises(TargetError, match=r"^fp16 needs TensorRT 10\.12 or newer, this is"):
            build(precision="fp16")
    else:
        manifest = build(precision="fp16")
        assert 0 < manifest.reference.max_abs_difference <= 0.25


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
    profile = BatchProfile(typical=1, largest=1)
    with pytest.raises(PlanError, match=r"it has no operator Det \(node 'volume'\); accepted: a model without it"):
        device.compile(model.SerializeToString(), profile=profile, workspace_mib=64, timing_cache=b"")
