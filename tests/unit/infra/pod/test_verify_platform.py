"""The init container of a TensorRT plan: libnvinfer and NVML are asked, and both sides of a difference are shown."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.infra.pod.conftest import Asked
from tools.cache import Cache
from tools.tensorrt import releases, tensorrt_folder

if TYPE_CHECKING:
    from tests.unit.infra.pod.conftest import Pod

SCRIPT = "verify_repository.py"
H800 = ("NVIDIA H800", 9, 0)
L4 = ("NVIDIA L4", 8, 9)
REAL_TENSORRT = tensorrt_folder(releases()["10.6.0"], Cache.of_user()) / "lib"
CURE = "; correct nodePool, serving.image or model.plan"


def has(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@pytest.fixture
def gpu_pod(pod: Pod) -> Pod:
    """A pod whose repository is a plan of TensorRT 10.6.0 for an H800; what the pod itself has, a test says."""
    (pod.repository / "mug/1/model.onnx").unlink()
    (pod.repository / "mug/1/model.plan").write_bytes(b"ftrt and a plan")
    tensorrt = {"version": "10.6.0", "gpu": {"product": "NVIDIA-H800", "computeCapability": "9.0", "driver": "535.1"}}
    pod.publish(Asked(), tensorrt=tensorrt)
    pod.expects(gpuProduct="NVIDIA-H800")
    return pod


def differences(pod: Pod) -> list[str]:
    result = pod.run(SCRIPT)
    assert (result.returncode, result.stderr) == (1, "")
    return result.stdout.splitlines()


@pytest.mark.parametrize("gpus", [1, 2])
def test_a_plan_where_it_was_built(gpu_pod: Pod, gpus: int) -> None:
    gpu_pod.has_tensorrt(100600)
    gpu_pod.has_driver(*[H800] * gpus)
    result = gpu_pod.run(SCRIPT)
    assert (result.returncode, result.stdout) == (0, "plan 0123456789abcdef: 3 files are as published\n")


def test_a_pod_with_neither_the_tensorrt_nor_the_gpu_of_the_plan(gpu_pod: Pod) -> None:
    gpu_pod.has_tensorrt(100300)
    gpu_pod.has_driver(L4)
    assert differences(gpu_pod) == [
        "plan: TensorRT 10.6.0 for NVIDIA-H800, sm_90;"
        " this pod: TensorRT 10.3.0, NVIDIA-L4, sm_89 (driver 550.54.15)" + CURE
    ]


@pytest.mark.parametrize(
    ("number", "library", "version"),
    [
        (100601, "libnvinfer.so.10", "10.6.1"),
        (110200, "libnvinfer.so.11", "11.2.0"),
        (8601, "libnvinfer.so.8", "8.6.1"),
    ],
)
def test_another_tensorrt(gpu_pod: Pod, number: int, library: str, version: str) -> None:
    gpu_pod.has_tensorrt(number, library)
    gpu_pod.has_driver(H800)
    (line,) = differences(gpu_pod)
    assert f" this pod: TensorRT {version}, NVIDIA-H800, sm_90 (driver" in line


@pytest.mark.parametrize(
    ("gpus", "shown"),
    [
        ([("NVIDIA H800 PCIe", 9, 0)], "NVIDIA-H800-PCIe, sm_90"),
        ([("NVIDIA H800", 10, 0)], "NVIDIA-H800, sm_100"),
        ([H800, L4], "NVIDIA-H800, sm_90 and NVIDIA-L4, sm_89"),
    ],
    ids=["product", "capability", "one-of-two"],
)
def test_another_gpu(gpu_pod: Pod, gpus: list[tuple[str, int, int]], shown: str) -> None:
    gpu_pod.has_tensorrt(100600)
    gpu_pod.has_driver(*gpus)
    (line,) = differences(gpu_pod)
    assert f" this pod: TensorRT 10.6.0, {shown} (driver 550.54.15)" in line


@pytest.mark.skipif(has("libnvidia-ml.so.1"), reason="this machine has an NVIDIA driver")
def test_a_node_without_a_driver(gpu_pod: Pod) -> None:
    gpu_pod.has_tensorrt(100600)
    (line,) = differences(gpu_pod)
    assert line.startswith("no NVIDIA driver in this pod (libnvidia-ml.so.1: cannot open shared object file")
    assert "serving.runtimeClass" in line


def test_a_driver_that_does_not_start(gpu_pod: Pod) -> None:
    gpu_pod.has_tensorrt(100600)
    gpu_pod.has_driver(H800, init=9)
    (line,) = differences(gpu_pod)
    assert line.startswith("the NVIDIA driver refuses nvmlInit_v2 (Driver Not Loaded): ")


def test_a_pod_without_a_gpu(gpu_pod: Pod) -> None:
    gpu_pod.has_tensorrt(100600)
    gpu_pod.has_driver()
    (line,) = differences(gpu_pod)
    assert line.startswith("no GPU in this pod (driver 550.54.15): serving.gpusPerReplica must be 1")


@pytest.mark.skipif(any(has(f"libnvinfer.so.{major}") for major in range(8, 20)), reason="this machine has TensorRT")
def test_an_image_without_tensorrt(gpu_pod: Pod) -> None:
    gpu_pod.has_driver(H800)
    assert differences(gpu_pod) == [
        "no TensorRT in this image (libnvinfer): serving.image must be a Triton with TensorRT"
    ]


def test_a_tensorrt_that_does_not_load_is_not_one_that_is_missing(gpu_pod: Pod) -> None:
    (gpu_pod.libraries / "libnvinfer.so.10").write_bytes(b"half")
    (line,) = differences(gpu_pod)
    assert line.startswith("the TensorRT of this image, libnvinfer.so.10, does not load: ")
    assert line.endswith("file too short")


@pytest.mark.parametrize(("plan", "size"), [(b"ftrt and a plaN", 15), (b"ftrt", 4)], ids=["altered", "truncated"])
def test_a_plan_file_that_is_not_the_published_one(gpu_pod: Pod, plan: bytes, size: int) -> None:
    gpu_pod.has_tensorrt(100600)
    gpu_pod.has_driver(H800)
    (gpu_pod.repository / "mug/1/model.plan").write_bytes(plan)
    (line,) = differences(gpu_pod)
    assert line.startswith("mug/1/model.plan: sha256 ")
    assert f" ({size} bytes), published was " in line


def test_a_plan_for_another_gpu_than_the_stack_declares(gpu_pod: Pod) -> None:
    gpu_pod.has_tensorrt(100600)
    gpu_pod.has_driver(L4)
    gpu_pod.expects(gpuProduct="NVIDIA-L4")
    declared, _ = differences(gpu_pod)
    assert declared == "gpuProduct: the plan is for 'NVIDIA-H800', this pod was declared with 'NVIDIA-L4'"


@pytest.mark.parametrize("tensorrt", [None, {}, {"version": "10.6.0", "gpu": "NVIDIA-H800"}])
def test_a_manifest_that_does_not_say_what_its_plan_is_for(gpu_pod: Pod, tensorrt: dict[str, Any] | None) -> None:
    gpu_pod.republish(lambda manifest: replace(manifest, tensorrt=tensorrt))
    assert differences(gpu_pod) == [
        "manifest.json names no TensorRT version and no GPU, this pod was declared with 'NVIDIA-H800'"
    ]


@pytest.mark.skipif(not REAL_TENSORRT.is_dir(), reason="not installed: python3 -m tools tensorrt 10.6.0")
def test_the_real_libnvinfer_is_asked(gpu_pod: Pod) -> None:
    (gpu_pod.libraries / "libnvinfer.so.10").symlink_to(REAL_TENSORRT / "libnvinfer.so.10")
    gpu_pod.has_driver(L4)
    (line,) = differences(gpu_pod)
    assert " this pod: TensorRT 10.6.0, NVIDIA-L4, sm_89 (driver" in line
