"""The Deployment and its pod, exactly, and the Service, budget and account beside it."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_kubernetes.core import v1 as core

from contract.expectation import Expectation
from infra.components.node_pool import NodePool, NodePoolArgs, Placement
from infra.components.triton import Triton, TritonArgs
from infra.components.triton_pod import Expected
from infra.config import REPOSITORY
from infra.config.node_pools import ExistingNodePool
from infra.config.rollout import REPLACE, SURGE
from infra.config.serving import Resources, Serving, Shutdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pulumi

    from infra.config.rollout import Rollout
    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

PICTURE, DIGEST = "e" * 64, "c" * 64
CONTRACT = [
    *("__init__", "comparison", "digest", "errors", "expectation", "fields", "manifest", "preprocessing"),
    "served",
]
ANY_NODE = ExistingNodePool(kind="existing")
LABELS = {"app.kubernetes.io/name": "triton"}
SERVING = Serving(
    image="triton-cpu",
    replicas=2,
    imagePullSecrets=("registry",),
    resources=Resources(cpu="250m", memory="1Gi", memoryLimit="2Gi"),
    startupTimeoutS=120,
    rolloutTimeoutS=300,
    shutdown=Shutdown(preStopS=10, exitTimeoutS=30, graceS=75),
)
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
RESOURCES = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
REPOSITORY_MOUNTS = [
    {
        "name": "storage",
        "mountPath": "/mnt/model",
        "subPath": "repositories/0123456789abcdef",
        "readOnly": True,
    },
    {"name": "proof", "mountPath": "/proof", "readOnly": True},
]


def served(
    declare: Callable[..., Declared],
    *,
    label: str = "COFFEE MUG",
    manifest_sha256: str | None = DIGEST,
    serving: Serving = SERVING,
    rollout: Rollout = SURGE,
    node_selector: Mapping[str, str] = MappingProxyType({"pool": "triton"}),
    gpu_product: str | None = None,
    largest_body_bytes: int | None = 16_777_216,
) -> Declared:
    def declaration() -> Any:
        nothing = NodePool("published", NodePoolArgs(pool=ANY_NODE, pool_name="any", has_gpu=False))
        expectation = Expectation(504, label, top=(504, 968), margin=0.5)
        expected = Expected(
            model="densenet_tensorrt", max_batch_size=0, gpu_product=gpu_product, pictures=[(PICTURE, expectation)]
        )
        args = TritonArgs(
            namespace="triton-dev",
            plan_id="0123456789abcdef",
            manifest_sha256=not_there_yet() if manifest_sha256 is None else manifest_sha256,
            expected=expected,
            labels="CUP\nCOFFEE MUG\n",
            image="localhost/triton-cpu:1",
            serving=serving,
            claim_name="models-1",
            placement=Placement(node_selector=node_selector, tolerations=[], affinity=None),
            largest_body_bytes=largest_body_bytes,
            rollout=rollout,
            pulumi_timeout_s=610,
            published_by=nothing,
            fence=(),
        )
        return Triton("triton", args).service_name

    return declare(declaration, preview=manifest_sha256 is None)


def not_there_yet() -> pulumi.Output[str]:
    """What a preview cannot know."""
    return core.ConfigMap.get("report", "triton-dev/plan").data.apply(str)


def pod(declared: Declared) -> dict[str, Any]:
    spec: dict[str, Any] = declared.named("triton-deployment").inputs["spec"]["template"]["spec"]
    return spec


def test_exactly_these_resources(declare: Declare) -> None:
    types = served(declare).types()
    del types["densenet:infra:NodePool"]
    assert types == {
        "densenet:infra:Triton": 1,
        "kubernetes:apps/v1:Deployment": 1,
        "kubernetes:core/v1:ConfigMap": 1,
        "kubernetes:core/v1:Service": 1,
        "kubernetes:core/v1:ServiceAccount": 1,
        "kubernetes:policy/v1:PodDisruptionBudget": 1,
    }


def test_deployment_replaces_a_pod_only_by_a_ready_one(declare: Declare) -> None:
    deployment = served(declare).named("triton-deployment")
    spec = dict(deployment.inputs["spec"])
    template = spec.pop("template")
    assert spec == {
        "replicas": 2,
        "progressDeadlineSeconds": 300,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": LABELS},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
    }
    assert template["metadata"] == {
        "labels": {**LABELS, "densenet-triton/plan": "0123456789abcdef"},
        "annotations": {"karpenter.sh/do-not-disrupt": "true"},
    }
    assert deployment.create_timeout == "610s"


def test_a_deployment_says_which_vulnerable_release_its_stack_accepts(declare: Declare) -> None:
    accepting = SERVING.model_copy(update={"accept_vulnerable_release": "24.01"})
    metadata = served(declare, serving=accepting).named("triton-deployment").inputs["metadata"]
    assert metadata["annotations"] == {"densenet-triton/accepted-release": "24.01"}
    assert "annotations" not in served(declare).named("triton-deployment").inputs["metadata"]


def test_without_a_spare_gpu_a_pod_goes_before_its_successor_comes(declare: Declare) -> None:
    spec = served(declare, rollout=REPLACE).named("triton-deployment").inputs["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_a_pod_with_gpus_limits_them_in_both_containers(declare: Declare) -> None:
    serving = SERVING.model_copy(update={"gpus_per_replica": 2, "runtime_class": "nvidia"})
    spec = pod(served(declare, serving=serving, gpu_product="NVIDIA-H800"))
    assert spec["runtimeClassName"] == "nvidia"
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["resources"]["limits"] == {"memory": "2Gi", "nvidia.com/gpu": "2"}


def test_a_pod_has_what_the_stack_adds_and_what_the_product_sets(declare: Declare) -> None:
    serving = Serving(
        image="triton-cpu",
        extraArguments=("--log-verbose=1",),
        environment={"CUDA_MODULE_LOADING": "LAZY"},
        labels={"team": "vision"},
        annotations={"sidecar.istio.io/inject": "false"},
        priorityClass="high",
        sharedMemoryMib=64,
        resources=Resources(cpu="1", cpuLimit="2", memory="1Gi", memoryLimit="2Gi"),
    )
    declared = served(declare, serving=serving)
    deployment = declared.named("triton-deployment").inputs["spec"]
    assert deployment["selector"] == {"matchLabels": {"app.kubernetes.io/name": "triton"}}
    assert deployment["template"]["metadata"] == {
        "labels": {"team": "vision", "app.kubernetes.io/name": "triton", "densenet-triton/plan": "0123456789abcdef"},
        "annotations": {"sidecar.istio.io/inject": "false", "karpenter.sh/do-not-disrupt": "true"},
    }
    spec = pod(declared)
    assert spec["priorityClassName"] == "high"
    assert {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}} in spec["volumes"]
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi"}
    (triton,) = spec["containers"]
    assert triton["args"][-1] == "--log-verbose=1"
    assert [variable["name"] for variable in triton["env"]] == ["POD_UID", "CUDA_MODULE_LOADING"]


@pytest.mark.parametrize(
    ("image", "largest_body_bytes", "flags"),
    [
        ("nvcr.io/nvidia/tritonserver:25.10-py3", 1_000_000, ["--http-max-input-size=1000000"]),
        ("nvcr.io/nvidia/tritonserver:26.07-py3", None, []),
        ("nvcr.io/nvidia/tritonserver:25.09-py3", 1_000_000, []),
        ("triton-cpu", 1_000_000, []),
        ("registry.example/team/mine:1", 1_000_000, []),
    ],
)
def test_triton_takes_no_more_than_is_routed_where_its_release_has_a_flag_for_that(
    declare: Declare, image: str, largest_body_bytes: int | None, flags: list[str]
) -> None:
    serving = SERVING.model_copy(update={"image": image, "extra_arguments": ("--log-verbose=1",)})
    arguments = pod(served(declare, serving=serving, largest_body_bytes=largest_body_bytes))["containers"][0]["args"]
    assert [flag for flag in arguments if "max-input" in flag] == flags
    assert arguments[-1] == "--log-verbose=1"  # the stack's own word is the last


def test_a_pod_knows_the_gpu_that_its_plan_is_for(declare: Declare) -> None:
    proof = served(declare, gpu_product="NVIDIA-H800").named("triton-proof").inputs["data"]
    assert json.loads(proof["expected.json"])["gpuProduct"] == "NVIDIA-H800"


def test_pod_but_for_its_containers(declare: Declare) -> None:
    declared = served(declare)
    proof = declared.named("triton-proof").inputs
    found = {key: value for key, value in pod(declared).items() if key not in {"containers", "initContainers"}}
    assert found == {
        "serviceAccountName": "triton",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "fsGroup": 1000,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": "registry"}],
        "nodeSelector": {"pool": "triton"},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": LABELS},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        "terminationGracePeriodSeconds": 75,
        "volumes": [
            {"name": "storage", "persistentVolumeClaim": {"claimName": "models-1", "readOnly": True}},
            {"name": "proof", "configMap": {"name": proof["metadata"]["name"], "items": placed(proof)}},
            {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def test_nothing_empty_is_declared(declare: Declare) -> None:
    """Of a plan that still has an unknown name the provider leaves in what it leaves out of the object."""
    serving = SERVING.model_copy(update={"image_pull_secrets": ()})
    spec = pod(served(declare, serving=serving, node_selector={}))
    assert not {"imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName"} & spec.keys()


def test_triton_container(declare: Declare) -> None:
    (container,) = pod(served(declare))["containers"]
    assert {key: value for key, value in container.items() if not key.endswith("Probe")} == {
        "name": "triton",
        "image": "localhost/triton-cpu:1",
        "command": ["tritonserver"],
        "args": [
            "--model-repository=/mnt/model",
            "--http-port=8080",
            "--allow-grpc=false",
            "--allow-metrics=false",
            "--model-control-mode=none",
            "--exit-on-error=true",
            "--strict-readiness=true",
            "--disable-auto-complete-config",
            "--exit-timeout-secs=30",
            "--http-restricted-api=shared-memory,model-repository,statistics,trace,logging:restricted=$(POD_UID)",
        ],
        "env": [{"name": "POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": RESOURCES,
        "securityContext": CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "volumeMounts": [
            *REPOSITORY_MOUNTS,
            {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108 - the pod's own
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        ],
    }


def test_probes(declare: Declare) -> None:
    (container,) = pod(served(declare))["containers"]
    http = {"port": "http"}
    proof = ["--repository", "/mnt/model", "--expected", "/proof/expected.json"]
    assert {key: value for key, value in container.items() if key.endswith("Probe")} == {
        "startupProbe": {
            "exec": {"command": ["python3", "/proof/prove_answer.py", "--port", "8080", *proof]},
            "periodSeconds": 2,
            "timeoutSeconds": 30,
            "failureThreshold": 60,
        },
        "livenessProbe": {
            "httpGet": {"path": "/v2/health/live", **http},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        },
        "readinessProbe": {
            "httpGet": {"path": "/v2/models/densenet_tensorrt/ready", **http},
            "periodSeconds": 5,
            "timeoutSeconds": 5,
            "failureThreshold": 2,
        },
    }


def test_repository_is_verified_in_the_serving_image_before_triton_starts(declare: Declare) -> None:
    assert pod(served(declare))["initContainers"] == [
        {
            "name": "verify",
            "image": "localhost/triton-cpu:1",
            "command": ["python3", "/proof/verify_repository.py"],
            "args": ["--repository", "/mnt/model", "--expected", "/proof/expected.json"],
            "resources": RESOURCES,
            "securityContext": CONTAINER_SECURITY,
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": REPOSITORY_MOUNTS,
        }
    ]


def placed(proof: dict[str, Any]) -> list[dict[str, str]]:
    """Where each of the proof's keys is to lie, in the volume's order."""
    modules = [f"contract/{name}.py" for name in CONTRACT] + ["infra/__init__.py", "infra/pod/__init__.py"]
    paths = ["verify_repository.py", "prove_answer.py", *modules, "infra/pod/own_triton.py"]
    items = [{"key": path.replace("/", "."), "path": path} for path in [*paths, "expected.json", "labels.txt"]]
    assert {item["key"] for item in items} == set(proof["data"])
    return items


def test_proof_carries_the_scripts_and_the_expectation(declare: Declare) -> None:
    proof = served(declare).named("triton-proof").inputs
    assert proof["immutable"] is True
    assert proof["data"]["contract.manifest.py"] == (REPOSITORY / "contract/manifest.py").read_text()
    assert proof["data"]["prove_answer.py"] == (REPOSITORY / "infra/pod/prove_answer.py").read_text()
    assert proof["data"]["labels.txt"] == "CUP\nCOFFEE MUG\n"
    assert json.loads(proof["data"]["expected.json"]) == {
        "planId": "0123456789abcdef",
        "manifestSha256": DIGEST,
        "model": "densenet_tensorrt",
        "maxBatchSize": 0,
        "gpuProduct": None,
        "labelsFile": "/proof/labels.txt",
        "pictures": [{"sha256": PICTURE, "class": 504, "label": "COFFEE MUG", "top": [504, 968], "margin": 0.5}],
    }


def test_proof_leaves_the_labels_their_three_quarters_of_a_config_map(declare: Declare) -> None:
    data = served(declare).named("triton-proof").inputs["data"]
    assert sum(len(text.encode()) for key, text in data.items() if key != "labels.txt") < 1024 * 1024 // 4


def test_another_manifest_is_another_proof_and_the_same_one_the_same(declare: Declare) -> None:
    names = [
        served(declare, manifest_sha256=sha256).named("triton-proof").inputs["metadata"]["name"]
        for sha256 in (DIGEST, "d" * 64, DIGEST)
    ]
    assert len({*names}) == 2
    assert names[0] == names[2]


def test_a_preview_that_does_not_know_the_manifest_shows_the_proof_all_the_same(declare: Declare) -> None:
    proof = served(declare, manifest_sha256=None).named("triton-proof").inputs
    assert (proof["metadata"].get("name"), proof["data"].get("expected.json")) == (None, None)
    assert proof["data"]["labels.txt"] == "CUP\nCOFFEE MUG\n"


def test_another_expectation_is_another_proof(declare: Declare) -> None:
    names = {
        served(declare, label=label).named("triton-proof").inputs["metadata"]["name"]
        for label in ("COFFEE MUG", "CUP", "COFFEE MUG")
    }
    assert len(names) == 2


def test_service_budget_and_account(declare: Declare) -> None:
    declared = served(declare)
    assert declared.result == "triton"
    service = declared.named("triton-service").inputs
    assert service["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    assert service["spec"] == {
        "selector": LABELS,
        "ports": [{"name": "http", "port": 8080, "targetPort": "http", "appProtocol": "http"}],
    }
    assert declared.named("triton-disruption-budget").inputs["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": LABELS},
    }
    assert declared.named("triton-account").inputs["automountServiceAccountToken"] is False


def test_children_belong_to_the_component(declare: Declare) -> None:
    resources = served(declare).resources
    assert {found.parent for found in resources if found.type.startswith("kubernetes:")} == {"triton"}
