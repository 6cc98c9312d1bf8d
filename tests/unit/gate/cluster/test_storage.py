import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from gate.cluster.storage import Inventory, Pruned, StorageJobs, answer_from_log, has_succeeded, job_manifest
from gate.errors import StorageJobError
from infra.config import StackConfig, config_from_values
from infra.config.storages import claim_name
from infra.release import release_from_config, stack_key

REPOSITORY = Path(__file__).resolve().parents[4]
PLAN = "0123456789abcdef"
INVENTORY = {"plans": [PLAN], "freeBytes": 5, "totalBytes": 9, "stacks": {}}
COMPLETE = [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]
FAILED = [{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "True"}]


def config_of(stack: str, **changes: Any) -> StackConfig:
    """A stack of the repository; a change replaces a whole group."""
    values = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    for group, value in changes.items():
        values[f"densenet-triton:{group}"] = value
    return config_from_values(values, stack=stack)


@pytest.fixture
def dev() -> StackConfig:
    return config_of("dev")


def test_the_job_is_labelled_ranked_and_limited_as_the_stack_says(dev: StackConfig) -> None:
    added = {"labels": {"team": "vision"}, "annotations": {"a": "b"}, "priorityClass": "high"}
    build = {"cpu": "1", "cpuLimit": "2", "memory": "1Gi", "memoryLimit": "2Gi"}
    values = {name: getattr(dev, name).model_dump(mode="json", by_alias=True) for name in ("serving", "model")}
    changed = config_of("dev", serving=values["serving"] | added, model=values["model"] | {"buildResources": build})
    template = job_manifest(changed, ["inventory"], read_only=True)["spec"]["template"]
    assert template["metadata"] == {
        "labels": {"team": "vision", "app.kubernetes.io/name": "storage", "densenet-triton/plan": ""},
        "annotations": {"a": "b"},
    }
    assert template["spec"]["priorityClassName"] == "high"
    assert template["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "1", "memory": "256Mi"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }


def test_the_job_of_a_cpu_stack(dev: StackConfig) -> None:
    assert job_manifest(dev, ["inventory"], read_only=True) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "storage", "namespace": "triton-dev"},
        "spec": {
            "activeDeadlineSeconds": dev.timeouts.placement_s + 240,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": 600,
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": "storage", "densenet-triton/plan": ""}},
                "spec": {
                    "restartPolicy": "Never",
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
                    "imagePullSecrets": [],
                    "nodeSelector": {},
                    "tolerations": [],
                    "containers": [
                        {
                            "name": "storage",
                            "image": release_from_config(dev).builder_image,
                            "command": ["python3", "-m", "model_build"],
                            "args": ["inventory", "--storage", "/storage"],
                            "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                                "readOnlyRootFilesystem": True,
                            },
                            "volumeMounts": [{"name": "storage", "mountPath": "/storage", "readOnly": True}],
                        }
                    ],
                    "volumes": [
                        {
                            "name": "storage",
                            "persistentVolumeClaim": {"claimName": claim_name(dev.storage), "readOnly": True},
                        }
                    ],
                },
            },
        },
    }


def test_a_gpu_stack_s_job_lands_on_its_nodes_without_a_gpu() -> None:
    config = config_of("h800")
    job = job_manifest(config, ["prune"], read_only=False)
    pod = job["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == config.node_pool.model_dump()["selector"]
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-H800"]}]
    assert "nvidia.com/gpu" not in pod["containers"][0]["resources"]["limits"]
    assert "runtimeClassName" not in pod
    assert pod["volumes"][0]["persistentVolumeClaim"]["readOnly"] is False
    assert pod["containers"][0]["volumeMounts"][0]["readOnly"] is False


def test_a_karpenter_stack_s_job_lands_on_the_nodes_of_its_pool() -> None:
    node_class = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}
    pool = {"kind": "karpenter", "nodeClass": node_class, "gpuProduct": "NVIDIA-H800", "gpuLimit": 2}
    config = config_of("h800", nodePool=pool, storage={"kind": "claim"})
    pod = job_manifest(config, ["inventory"], read_only=True)["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"karpenter.sh/nodepool": config.cluster.namespace}


@dataclass(frozen=True, kw_only=True)
class StandIn(Cluster):
    """Runs a Job at once: it has these conditions, that log, and these pods where it does not end."""

    environment: dict[str, str] = field(default_factory=dict)
    conditions: Sequence[dict[str, str]]
    log: str = ""
    stuck: Sequence[dict[str, Any]] = ()
    asked: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)

    def kubectl(self, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        assert timeout_s > 0
        assert f"--namespace={self.config.namespace}" in arguments
        verb = arguments[0]
        self.asked.append(verb)
        if verb == "create":
            self.created.append(json.loads(input_text or ""))
        if verb == "wait" and not self.conditions:
            raise CommandFailedError("timed out waiting for the condition")
        if verb == "get" and arguments[1] == "pods":
            return json.dumps({"items": self.stuck})
        answers = {"get": json.dumps({"status": {"conditions": self.conditions}}), "logs": self.log}
        return answers.get(verb, "")


def test_an_inventory_is_what_the_job_printed(dev: StackConfig) -> None:
    cluster = StandIn(config=dev.cluster, conditions=COMPLETE, log=f"a warning\n{json.dumps(INVENTORY)}\n")
    assert StorageJobs(dev, cluster).inventory() == Inventory(plans=(PLAN,), free_bytes=5, total_bytes=9)
    assert cluster.asked == ["delete", "create", "wait", "get", "logs", "delete"]
    assert cluster.created == [job_manifest(dev, ["inventory"], read_only=True)]


def test_an_inventory_may_say_more_than_is_asked(dev: StackConfig) -> None:
    log = json.dumps(INVENTORY | {"engines": ["e" * 16]})
    cluster = StandIn(config=dev.cluster, conditions=COMPLETE, log=log)
    assert StorageJobs(dev, cluster).inventory() == Inventory(plans=(PLAN,), free_bytes=5, total_bytes=9)


def test_a_pruning_names_the_stack_and_what_it_keeps(dev: StackConfig) -> None:
    log = json.dumps({"kept": [PLAN], "pruned": ["f" * 16], "namedByOthers": [], "freeBytes": 7})
    cluster = StandIn(config=dev.cluster, conditions=COMPLETE, log=log)
    assert StorageJobs(dev, cluster).prune([PLAN]) == Pruned(
        kept=(PLAN,), pruned=("f" * 16,), named_by_others=(), free_bytes=7
    )
    arguments = ["prune", "--stack", stack_key(dev), "--keep", PLAN]
    assert cluster.created == [job_manifest(dev, arguments, read_only=False)]


def test_a_job_that_failed_gives_its_reason_and_is_removed(dev: StackConfig) -> None:
    cluster = StandIn(config=dev.cluster, conditions=FAILED, log="error: /storage is full\n")
    with pytest.raises(StorageJobError, match=r"^inventory on the storage failed: /storage is full$"):
        StorageJobs(dev, cluster).inventory()
    assert cluster.asked[-1] == "delete"


def test_a_job_that_does_not_end_gives_its_pod_s_reason_and_is_removed(dev: StackConfig) -> None:
    waiting = {"name": "storage", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    pod = {"metadata": {"name": "storage-1"}, "status": {"containerStatuses": [waiting]}}
    cluster = StandIn(config=dev.cluster, conditions=(), stuck=[pod])
    with pytest.raises(StorageJobError) as raised:
        StorageJobs(dev, cluster).inventory()
    assert str(raised.value) == (
        f"the storage's Job did not end within {dev.timeouts.placement_s + 120} s: "
        "pod storage-1: container storage: ErrImagePull: not found"
    )
    assert cluster.asked[-1] == "delete"


@pytest.mark.parametrize(("log", "reason"), [("", "it gave no reason"), ("[1]\n", r"\[1\]"), ("{}", "{}")])
def test_a_log_without_an_answer_is_a_failure(log: str, reason: str) -> None:
    with pytest.raises(StorageJobError, match=f"prune on the storage failed: {reason}"):
        answer_from_log("prune", log, succeeded=log != "{}")


@pytest.mark.parametrize(
    ("conditions", "succeeded"), [(COMPLETE, True), (COMPLETE[:1], True), (FAILED, False), ([], False)]
)
def test_a_job_s_end_is_read_from_its_conditions(conditions: list[dict[str, str]], succeeded: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert has_succeeded({"conditions": conditions}) is succeeded


@pytest.mark.parametrize(("found", "exists"), [("", False), ("models-1  Bound\n", True)])
def test_before_the_first_deployment_there_is_no_storage(
    dev: StackConfig, monkeypatch: pytest.MonkeyPatch, *, found: str, exists: bool
) -> None:
    asked: list[tuple[str, ...]] = []

    def kubectl(_: Cluster, *arguments: str, **__: object) -> str:
        asked.append(arguments)
        return found

    monkeypatch.setattr(Cluster, "kubectl", kubectl)
    assert StorageJobs(dev, Cluster(config=dev.cluster, environment={})).exists() is exists
    name = claim_name(dev.storage)
    assert asked == [("get", "persistentvolumeclaim", name, "--ignore-not-found", "--namespace=triton-dev")]
