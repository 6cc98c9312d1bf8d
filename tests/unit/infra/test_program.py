"""The whole declaration of the committed stacks."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.config import REPOSITORY, config_from_values
from infra.program import outputs_from_config
from infra.release import release_from_config
from tests.unit.infra.conftest import LOCAL_AUTHORITY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]


def declared_dev(declare: Callable[..., Declared], values: dict[str, Any], **run: Any) -> Declared:
    return declare(lambda: outputs_from_config(config_from_values(values, stack="dev")), **run)


def test_exactly_these_resources(declare: Declare, dev_values: dict[str, Any]) -> None:
    assert declared_dev(declare, dev_values).types() == {
        "densenet:infra:Endpoint": 1,
        "densenet:infra:NetworkPolicies": 1,
        "densenet:infra:NodePool": 1,
        "densenet:infra:PlanBuild": 1,
        "densenet:infra:StorageMount": 1,
        "densenet:infra:Triton": 1,
        "kubernetes:apps/v1:Deployment": 1,
        "kubernetes:batch/v1:Job": 1,
        "kubernetes:core/v1:ConfigMap": 5,
        "kubernetes:core/v1:Namespace": 1,
        "kubernetes:core/v1:PersistentVolume": 1,
        "kubernetes:core/v1:PersistentVolumeClaim": 1,
        "kubernetes:core/v1:Service": 1,
        "kubernetes:core/v1:ServiceAccount": 2,
        "kubernetes:gateway.networking.k8s.io/v1:Gateway": 1,
        "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": 1,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": 4,
        "kubernetes:policy/v1:PodDisruptionBudget": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:Role": 1,
        "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": 1,
        "kubernetes:traefik.io/v1alpha1:Middleware": 6,
        "pulumi:providers:kubernetes": 1,
    }


def test_outputs(declare: Declare, dev_values: dict[str, Any]) -> None:
    config = config_from_values(dev_values, stack="dev")
    assert declared_dev(declare, dev_values).result == {
        "url": "http://127.0.0.1:8800/triton-dev",
        "modelName": config.model.name,
        "planId": release_from_config(config).plan_id,
        "manifest": {"planId": "0123456789abcdef", "golden": {"class": 504}},
        "namespace": "triton-dev",
        "maxBodyBytes": 16777216,
        "jsonBodies": False,
        "clients": [],
        "certificateAuthority": None,
    }


def test_of_a_local_certificate_clients_get_the_authority_and_no_state_the_key(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    plain = declared_dev(declare, dev_values).types()
    dev_values["densenet-triton:endpoint"] |= {"port": 8843, "tls": {"local": True}}
    declared = declared_dev(declare, dev_values)
    assert declared.result["url"] == "https://127.0.0.1:8843/triton-dev"
    assert declared.result["certificateAuthority"] == LOCAL_AUTHORITY
    assert declared.types() == plain | {
        "kubernetes:gateway.networking.k8s.io/v1beta1:ReferenceGrant": 1,
        "kubernetes:core/v1:ConfigMap": plain["kubernetes:core/v1:ConfigMap"] + 1,
    }


def test_namespace_is_under_restricted_pod_security_and_says_whose_it_is(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    assert declared_dev(declare, dev_values).named("namespace").inputs["metadata"] == {
        "name": "triton-dev",
        "annotations": {"densenet-triton/stack": "dev", "pulumi.com/patchForce": "true"},
        "labels": {
            "pod-security.kubernetes.io/audit": "restricted",
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
        },
    }


def test_a_namespace_that_others_made_is_left_alone(declare: Declare, dev_values: dict[str, Any]) -> None:
    own = declared_dev(declare, dev_values).types()
    dev_values["densenet-triton:cluster"]["createNamespace"] = False
    declared = declared_dev(declare, dev_values)
    assert declared.result["namespace"] == "triton-dev"
    assert declared.types() == {kind: count for kind, count in own.items() if not kind.endswith(":Namespace")}
    assert declared.named("triton-deployment").inputs["metadata"]["namespace"] == "triton-dev"


@pytest.mark.parametrize(
    ("storage", "stays"),
    [
        ({"kind": "hostPath", "path": "/srv/models", "node": "embedded"}, False),
        ({"kind": "nfs", "server": "nfs.example.org", "path": "/exports"}, False),
        ({"kind": "claim"}, True),
        ({"kind": "claim", "claim": "theirs"}, True),
    ],
)
def test_a_namespace_stays_where_a_claim_that_leads_to_data_is_in_it(
    declare: Declare, dev_values: dict[str, Any], storage: dict[str, Any], *, stays: bool
) -> None:
    dev_values["densenet-triton:storage"] = storage
    assert declared_dev(declare, dev_values).named("namespace").retained is stays


def test_the_state_knows_the_cluster_by_its_context_and_no_path_of_this_machine(
    declare: Declare, dev_values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somebody/elses")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_text("apiVersion: v1\nkind: Config\n")
    dev_values["densenet-triton:cluster"]["kubeconfig"] = "~/mine"
    provider = declared_dev(declare, dev_values).named("cluster")
    assert provider.inputs == {
        "clusterIdentifier": "embedded",
        "context": "embedded",
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
        "kubeconfig": "apiVersion: v1\nkind: Config\n",
    }
    assert provider.secret == {"kubeconfig"}


@pytest.mark.parametrize("named", ["/nowhere/kubeconfig", None])
def test_without_the_kubeconfigs_file_nothing_of_it_is_said(
    named: str | None, declare: Declare, dev_values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/somebody/kubeconfig")
    dev_values["densenet-triton:cluster"].pop("kubeconfig")
    dev_values["densenet-triton:cluster"] |= {"kubeconfig": named} if named else {}
    assert declared_dev(declare, dev_values).named("cluster").inputs == {
        "clusterIdentifier": "embedded",
        "context": "embedded",
        "enableConfigMapMutable": "true",
        "enableSecretMutable": "true",
        "kubeconfig": "",
    }


def test_triton_waits_for_the_build_and_is_not_replaced_with_it(declare: Declare, dev_values: dict[str, Any]) -> None:
    declared = declared_dev(declare, dev_values)
    job = declared.of_plan("job").name
    assert job in declared.named("triton-deployment").dependencies
    assert job not in json.dumps(declared.named("triton-deployment").inputs)


def test_pods_are_told_the_digest_of_the_manifest_that_the_build_reported(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    declared = declared_dev(declare, dev_values, report='{"planId": "x"}')
    expected = json.loads(declared.named("triton-proof").inputs["data"]["expected.json"])
    assert expected["manifestSha256"] == hashlib.sha256(b'{"planId": "x"}').hexdigest()
    assert expected["planId"] == declared.result["planId"]
    volume = declared.named("triton-deployment").inputs["spec"]["template"]["spec"]["volumes"][1]
    assert volume["configMap"]["name"] == declared.named("triton-proof").inputs["metadata"]["name"]


def test_a_preview_with_nothing_changed_knows_the_same_proof_as_the_update(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    update, preview = (declared_dev(declare, dev_values, preview=preview) for preview in (False, True))
    for name in ("triton-proof", "triton-deployment"):
        assert preview.named(name).inputs == update.named(name).inputs


def test_a_first_preview_does_not_know_the_manifest_and_declares_everything(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    preview = declared_dev(declare, dev_values, report=None, preview=True)
    assert preview.types() == declared_dev(declare, dev_values).types()
    assert preview.named("triton-proof").inputs["metadata"].get("name") is None


def test_the_proof_hangs_on_what_was_read_and_on_nothing_that_is_replaced_with_a_build(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    declared = declared_dev(declare, dev_values)
    assert declared.of_plan("manifest").dependencies == (declared.of_plan("job").name,)
    manifest = declared.of_plan("manifest").name
    of_proof = declared.named("triton-proof").property_dependencies
    assert of_proof["data"] == {manifest}
    assert of_proof["metadata"] <= {manifest, "namespace"}
    of_deployment = declared.named("triton-deployment").property_dependencies
    replaced = {declared.of_plan(part).name for part in ("job", "report")}
    assert not replaced & {name for names in of_deployment.values() for name in names}


def test_a_pinned_plan_is_deployed_as_it_is(declare: Declare, dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:model"]["plan"] = "00112233aabbccdd"
    declared = declared_dev(declare, dev_values)
    assert declared.result["planId"] == "00112233aabbccdd"
    assert json.loads(declared.of_plan("inputs").inputs["data"]["spec.json"])["pinned"] is True
    assert declared.of_plan("job").inputs["metadata"]["name"] == "plan-00112233aabbccdd"


def test_the_builds_specification_and_its_picture(declare: Declare, dev_values: dict[str, Any]) -> None:
    declared, model = declared_dev(declare, dev_values), dev_values["densenet-triton:model"]
    picture = (REPOSITORY / model["expect"]["image"]).read_bytes()
    sha256 = hashlib.sha256(picture).hexdigest()
    assert json.loads(declared.of_plan("inputs").inputs["data"]["spec.json"]) == {
        "stack": "dev.triton-dev.9289140b",
        "planId": declared.result["planId"],
        "engineId": None,
        "model": model["name"],
        "maxBatchSize": 0,
        "target": "onnxruntime",
        "precision": "fp32",
        "pinned": False,
        "source": {"kind": "package", "name": "efficientnet-lite0"},
        "preprocessing": model.get("preprocessing"),
        "expect": [{"sha256": sha256, "url": None, "class": 504, "label": "COFFEE MUG", "top": [], "margin": 0.0}],
        "tensorrt": None,
    }
    (name, data), *none = declared.of_plan("image").inputs["binaryData"].items()
    assert (name, base64.b64decode(data), none) == (sha256, picture, [])


def test_pods_are_declared_with_every_expected_picture(declare: Declare, dev_values: dict[str, Any]) -> None:
    ball = {"image": "smoke_tests/data/ball.png", "class": 852, "top": [852], "margin": 0.25}
    dev_values["densenet-triton:model"]["expect"]["also"] = [ball]
    declared = declared_dev(declare, dev_values)
    pictures = json.loads(declared.named("triton-proof").inputs["data"]["expected.json"])["pictures"]
    assert [(found["class"], found["top"], found["margin"]) for found in pictures] == [(504, [], 0), (852, [852], 0.25)]
    assert {found["sha256"] for found in pictures} == set(declared.of_plan("image").inputs["binaryData"])


def test_a_picture_with_a_url_is_the_builds_to_fetch(declare: Declare, dev_values: dict[str, Any]) -> None:
    image = {"url": "https://host/mug.png", "sha256": "f" * 64}
    dev_values["densenet-triton:model"]["expect"]["image"] = image
    declared = declared_dev(declare, dev_values)
    assert declared.of_plan("image").inputs["binaryData"] == {}
    (picture,) = json.loads(declared.named("triton-proof").inputs["data"]["expected.json"])["pictures"]
    assert picture["sha256"] == "f" * 64


def test_the_build_reserves_what_it_needs(declare: Declare, dev_values: dict[str, Any]) -> None:
    pod = declared_dev(declare, dev_values).of_plan("job").inputs["spec"]["template"]["spec"]
    assert [container["resources"] for container in pod["containers"]] == [
        {"requests": {"cpu": "500m", "memory": "1536Mi"}, "limits": {"memory": "4Gi"}}
    ]


def test_everything_namespaced_is_in_the_stacks_namespace(declare: Declare, dev_values: dict[str, Any]) -> None:
    cluster_wide = {"namespace", "storage-volume"}
    objects = [found for found in declared_dev(declare, dev_values).resources if "metadata" in found.inputs]
    elsewhere = {found.name for found in objects if found.inputs["metadata"].get("namespace") != "triton-dev"}
    assert elsewhere == cluster_wide


def test_a_declaration_opens_no_connection(
    declare: Declare, dev_values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(_: socket.socket, address: object) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert declared_dev(declare, dev_values).result["namespace"] == "triton-dev"


@pytest.fixture
def h800_values() -> dict[str, Any]:
    """The configuration of Pulumi.h800.yaml, to change and to check."""
    document = yaml.safe_load((REPOSITORY / "Pulumi.h800.yaml").read_text(encoding="utf-8"))
    return dict(document["config"])


def test_a_plan_is_built_for_what_the_stack_names(declare: Declare, h800_values: dict[str, Any]) -> None:
    declared = declared_dev(declare, h800_values)
    spec = json.loads(declared.of_plan("inputs").inputs["data"]["spec.json"])
    assert (spec["target"], spec["precision"]) == ("tensorrt", "fp32")
    assert spec["tensorrt"] == {
        "gpuProduct": "NVIDIA-H800",
        "batchProfile": {"typical": 8, "largest": 64},
        "workspaceMib": 4096,
        "instances": 1,
    }


def test_build_and_triton_land_on_one_gpu_of_the_product(declare: Declare, h800_values: dict[str, Any]) -> None:
    h800_values["densenet-triton:serving"]["runtimeClass"] = "nvidia"
    declared = declared_dev(declare, h800_values)
    workloads = (declared.of_plan("job"), declared.named("triton-deployment"))
    pods = [workload.inputs["spec"]["template"]["spec"] for workload in workloads]
    for pod in pods:
        assert pod["runtimeClassName"] == "nvidia"
        assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
        terms = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        (expression,) = terms[0]["matchExpressions"]
        assert expression == {"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-H800"]}
        for container in (*pod["containers"], *pod.get("initContainers", [])):
            assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def test_pulumi_waits_longer_than_kubernetes(declare: Declare, h800_values: dict[str, Any]) -> None:
    declared = declared_dev(declare, h800_values)
    deployment, job = declared.named("triton-deployment"), declared.of_plan("job")
    assert deployment.inputs["spec"]["progressDeadlineSeconds"] == 2400
    assert deployment.create_timeout == "2410s"
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 2700
    assert job.create_timeout == "2760s"


def test_a_pinned_plan_is_checked_without_a_gpu(declare: Declare, h800_values: dict[str, Any]) -> None:
    h800_values["densenet-triton:model"]["plan"] = "00112233aabbccdd"
    pod = declared_dev(declare, h800_values).of_plan("job").inputs["spec"]["template"]["spec"]
    assert "nvidia.com/gpu" not in pod["containers"][0]["resources"]["limits"]


def test_another_gpu_is_another_plan(h800_values: dict[str, Any]) -> None:
    first = release_from_config(config_from_values(h800_values, stack="x"))
    h800_values["densenet-triton:nodePool"]["gpuProduct"] = "NVIDIA-L4"
    assert release_from_config(config_from_values(h800_values, stack="x")).plan_id != first.plan_id


def test_another_serving_image_is_another_build_image(h800_values: dict[str, Any]) -> None:
    first = release_from_config(config_from_values(h800_values, stack="x"))
    del h800_values["densenet-triton:serving"]["acceptVulnerableRelease"]
    h800_values["densenet-triton:serving"]["image"] = "nvcr.io/nvidia/tritonserver:26.07-py3"
    second = release_from_config(config_from_values(h800_values, stack="x"))
    assert first.builder_image.startswith("registry.example/team/model-build-tensorrt:")
    assert second.builder_image.startswith("registry.example/team/model-build-tensorrt:")
    assert first.builder_image != second.builder_image
