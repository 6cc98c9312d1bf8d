"""What must hold between the groups of a stack with GPUs: each rule refuses, and its mend is accepted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.config import REPOSITORY, config_from_values, config_from_yaml
from infra.errors import ConfigError

KARPENTER = {
    "kind": "karpenter",
    "nodeClass": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
    "gpuProduct": "NVIDIA-H800",
    "gpuLimit": 2,
}


@pytest.fixture
def values() -> dict[str, Any]:
    """The configuration of Pulumi.h800.yaml, to change and to check."""
    document = yaml.safe_load((REPOSITORY / "Pulumi.h800.yaml").read_text(encoding="utf-8"))
    return {key.removeprefix("densenet-triton:"): value for key, value in document["config"].items()}


def checked(values: dict[str, Any]) -> object:
    return config_from_values({f"densenet-triton:{key}": value for key, value in values.items()}, stack="x")


def fault(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        checked(values)
    (line,) = caught.value.lines
    return line


@pytest.mark.parametrize("stack", ["h800", "h800-patched"])
def test_the_committed_stacks_are_right(stack: str) -> None:
    assert config_from_yaml(REPOSITORY / f"Pulumi.{stack}.yaml").model.target == "tensorrt"


def test_a_plan_needs_a_gpu(values: dict[str, Any]) -> None:
    values["serving"]["gpusPerReplica"] = 0
    assert fault(values).endswith(
        "serving.gpusPerReplica is 0, and a TensorRT plan runs on a GPU;"
        " accepted: at least 1 with model.target tensorrt; mend: in Pulumi.x.yaml set serving.gpusPerReplica: 1"
    )


def test_onnx_runtime_serves_on_cpu(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:serving"] |= {"gpusPerReplica": 1, "rolloutTimeoutS": 900}
    with pytest.raises(ConfigError, match=r"accepted: 0 with model\.target onnxruntime"):
        config_from_values(dev_values, stack="x")


def test_a_plan_is_built_for_one_product(values: dict[str, Any]) -> None:
    del values["nodePool"]["gpuProduct"]
    assert fault(values).endswith("mend: in Pulumi.x.yaml set nodePool.gpuProduct: NVIDIA-H800")


@pytest.mark.parametrize("precision", ["tf32", "fp16"])
def test_onnx_runtime_computes_in_single_precision(dev_values: dict[str, Any], precision: str) -> None:
    dev_values["densenet-triton:model"]["precision"] = precision
    why = rf'is "{precision}", and model\.target onnxruntime .*; accepted: fp32 with model\.target onnxruntime'
    with pytest.raises(ConfigError, match=why):
        config_from_values(dev_values, stack="x")


def test_a_plan_has_any_precision(values: dict[str, Any]) -> None:
    for precision in ("fp32", "tf32", "fp16"):
        values["model"]["precision"] = precision
        checked(values)


def test_no_batch_is_larger_than_the_plans(values: dict[str, Any]) -> None:
    values["model"] |= {"maxBatchSize": 33, "batchProfile": {"typical": 8, "largest": 32}}
    assert "model.maxBatchSize is 33; accepted: 0 to batchProfile.largest = 32" in fault(values)
    values["model"]["maxBatchSize"] = 32
    checked(values)


def test_a_spare_gpu_is_room_for_a_replica_or_is_none(values: dict[str, Any]) -> None:
    values["serving"]["gpusPerReplica"] = 2
    values["nodePool"]["spareGpus"] = 1
    assert "nodePool.spareGpus is 1, and one more replica needs 2" in fault(values)


def test_a_limit_below_the_replicas(values: dict[str, Any]) -> None:
    values["nodePool"] = KARPENTER
    values["serving"]["replicas"] = 3
    assert fault(values) == (
        "Pulumi.x.yaml: densenet-triton:nodePool.gpuLimit is 2, and 3 replicas x 1 + 0 spare are 3 GPUs;"
        " accepted: at least 3, or fewer serving.replicas; mend: in Pulumi.x.yaml set nodePool.gpuLimit: 3"
    )
    values["serving"]["replicas"] = 2
    checked(values)


def test_a_limit_below_the_spare_gpus(values: dict[str, Any]) -> None:
    values["nodePool"] = KARPENTER | {"spareGpus": 2}
    assert "1 replicas x 1 + 2 spare are 3 GPUs" in fault(values)


@pytest.mark.parametrize(
    ("storage", "mend"),
    [
        ({"kind": "hostPath", "path": "/models", "node": "a"}, "set densenet-triton:storage: {kind: claim}"),
        ({"kind": "claim", "accessMode": "ReadWriteOnce"}, "set storage.accessMode: ReadWriteMany"),
    ],
)
def test_karpenters_nodes_share_their_storage(values: dict[str, Any], storage: dict[str, str], mend: str) -> None:
    values |= {"nodePool": KARPENTER, "storage": storage}
    assert fault(values).endswith(mend)


def test_a_vulnerable_image_must_be_accepted(values: dict[str, Any]) -> None:
    del values["serving"]["acceptVulnerableRelease"]
    line = fault(values)
    assert "and vulnerabilities of release 24.01 are published; accepted: release 26.07 or newer" in line
    assert line.endswith("mend: in Pulumi.x.yaml set serving.image: nvcr.io/nvidia/tritonserver:26.07-py3")


def test_a_digest_hides_no_release(values: dict[str, Any]) -> None:
    del values["serving"]["acceptVulnerableRelease"]
    values["serving"]["image"] = f"registry.example/nvidia/tritonserver:24.01-py3@sha256:{'0' * 64}"
    assert "vulnerabilities of release 24.01 are published" in fault(values)


@pytest.mark.parametrize(
    "image",
    ["nvcr.io/nvidia/tritonserver:24.01", "registry.example/team/triton:24.01-py3", "h/triton-gpu:24.01@sha256:"],
)
def test_a_release_is_read_however_the_image_is_called(values: dict[str, Any], image: str) -> None:
    del values["serving"]["acceptVulnerableRelease"]
    values["serving"]["image"] = image + ("0" * 64 if image.endswith(":") else "")
    assert "vulnerabilities of release 24.01 are published" in fault(values)


def test_a_digest_alone_says_no_release(values: dict[str, Any]) -> None:
    values["serving"]["image"] = f"nvcr.io/nvidia/tritonserver@sha256:{'0' * 64}"
    checked(values)
    del values["serving"]["acceptVulnerableRelease"]
    assert "which does not say its release; accepted: the release's tag, beside the digest" in fault(values)


def test_an_image_of_ones_own_need_not_say_its_release(values: dict[str, Any]) -> None:
    del values["serving"]["acceptVulnerableRelease"]
    values["serving"]["image"] = "registry.example/team/server:7"
    checked(values)


@pytest.mark.parametrize("product", ["NVIDIA-H800-SHARED", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"])
def test_shared_gpus_are_refused(values: dict[str, Any], product: str) -> None:
    values["nodePool"]["gpuProduct"] = product
    assert "whole GPUs, not shared ones" in fault(values)


def test_karpenters_nodes_are_for_pods_with_gpus(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:nodePool"] = KARPENTER
    dev_values["densenet-triton:storage"] = {"kind": "claim"}
    with pytest.raises(ConfigError, match=r"nodePool\.kind is .*accepted: existing with model\.target onnxruntime"):
        config_from_values(dev_values, stack="x")


def test_an_acceptance_is_of_one_release(values: dict[str, Any]) -> None:
    values["serving"]["acceptVulnerableRelease"] = "24.02"
    assert "vulnerabilities of release 24.01 are published" in fault(values)


def test_an_acceptance_is_a_release(values: dict[str, Any]) -> None:
    values["serving"]["acceptVulnerableRelease"] = "2.51"
    line = fault(values)
    assert "accepted: a release of Triton in quotes, such as '24.01'" in line


def test_an_acceptance_that_is_of_no_use_goes(values: dict[str, Any]) -> None:
    values["serving"]["image"] = "nvcr.io/nvidia/tritonserver:26.07-py3"
    assert fault(values).endswith("mend: remove serving.acceptVulnerableRelease from Pulumi.x.yaml")


def test_a_pod_that_ends_first_needs_time_to_end(values: dict[str, Any]) -> None:
    values["serving"]["rolloutTimeoutS"] = 2175
    assert "accepted: above placementTimeoutS + startupTimeoutS + shutdown.graceS = 2175" in fault(values)
    values["nodePool"]["spareGpus"] = 1
    checked(values)
