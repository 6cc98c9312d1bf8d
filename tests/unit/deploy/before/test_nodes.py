"""What is asked of the cluster before a stack is deployed, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.before.nodes import require_nodes
from deploy.errors import CapacityError, CommandFailedError, DeployError, ForbiddenError
from infra.config import REPOSITORY, StackConfig, config_from_values
from infra.config.storages import claim_name
from infra.release import release_from_config
from tests.unit.deploy.kubernetes_objects import node, pod, triton

KARPENTER = {
    "kind": "karpenter",
    "nodeClass": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
    "gpuProduct": "NVIDIA-H800",
    "gpuLimit": 2,
}


class StandIn:
    """Answers for a cluster, and remembers what it was asked."""

    def __init__(self, nodes: list[dict[str, Any]], pods: list[dict[str, Any]], **answers: str) -> None:
        self._nodes, self._pods, self._answers = nodes, pods, answers
        self.asked: list[tuple[str, ...]] = []
        self.forbidden: set[str] = set()

    def nodes(self) -> list[dict[str, Any]]:
        self._require("nodes")
        return self._nodes

    def all_pods(self) -> list[dict[str, Any]]:
        self.asked.append(("all pods",))
        self._require("all pods")
        return self._pods

    def pods(self, namespace: str) -> list[dict[str, Any]]:
        return [pod for pod in self._pods if pod["metadata"]["namespace"] == namespace]

    def kubectl(self, *arguments: str) -> str:
        self.asked.append(arguments)
        self._require(arguments[1])
        answer = self._answers.get(arguments[1].partition(".")[0], "")
        if answer.startswith("Error"):
            raise CommandFailedError(answer)
        return answer

    def _require(self, what: str) -> None:
        if what in self.forbidden:
            raise ForbiddenError(f"Error from server (Forbidden): {what} is forbidden")


def job_of(config: StackConfig, status: dict[str, int] | None = None) -> str:
    """The build's Job as kubectl gives it."""
    claim = {"name": "storage", "persistentVolumeClaim": {"claimName": claim_name(config.storage)}}
    template = {"spec": {"volumes": [{"name": "inputs"}, claim]}}
    return json.dumps({"spec": {"template": template}, "status": status or {"succeeded": 1}})


def config(stack: str = "h800", **changes: Any) -> StackConfig:
    values = yaml.safe_load(Path(REPOSITORY / f"Pulumi.{stack}.yaml").read_text())["config"]
    for group, keys in changes.items():
        kept = {} if "kind" in keys else values[f"densenet-triton:{group}"]
        values[f"densenet-triton:{group}"] = kept | keys
    return config_from_values(values, stack=stack)


def require(config: StackConfig, cluster: StandIn) -> list[str]:
    return require_nodes(config, cluster)  # type: ignore[arg-type]


def test_a_stack_on_cpu_asks_for_its_nodes_alone() -> None:
    cluster = StandIn([node("embedded", None, labels={"kubernetes.io/hostname": "embedded"}, taints=[])], [])
    require(config("dev"), cluster)
    assert cluster.asked == []


def test_a_folder_is_on_one_node() -> None:
    cluster = StandIn([node("other", None, labels={"kubernetes.io/hostname": "other"}, taints=[])], [])
    with pytest.raises(CapacityError, match=r"no node matches kubernetes\.io/hostname=embedded"):
        require(config("dev"), cluster)


def test_the_taint_of_gpu_nodes_is_tolerated() -> None:
    require(config(), StandIn([node(gpus=1)], []))


def test_a_build_needs_a_gpu_until_it_has_succeeded() -> None:
    full = [node(gpus=1)], [triton("a")]
    with pytest.raises(CapacityError, match="the plan's build needs a GPU"):
        require(config(), StandIn(*full))
    cluster = StandIn(*full, job=job_of(config()))
    require(config(), cluster)
    job = next(asked for asked in cluster.asked if asked[1] == "job")
    assert job[2] == f"plan-{release_from_config(config()).plan_id}"
    assert "--namespace=triton-h800" in job


def test_too_little_is_refused_with_every_fault() -> None:
    with pytest.raises(CapacityError, match=r"serving\.replicas: 2 need 2") as caught:
        require(config(serving={"replicas": 2}), StandIn([node(gpus=1)], [triton("triton-a")]))

    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"nodePool": {"tolerations": [{"key": "dedicated"}], "selector": {"pool": "other"}}},
        {"serving": {"imagePullSecrets": ["registry"], "runtimeClass": "nvidia"}},
        {"model": {"buildResources": {"memoryLimit": "8Gi"}}},
        {"cluster": {"registry": "other.example/team"}},
    ],
)
def test_what_does_not_change_the_plan_needs_no_gpu(changes: dict[str, Any]) -> None:
    changed = config(**changes)
    selector = changes.get("nodePool", {}).get("selector", {})
    labels = {"nvidia.com/gpu.product": "NVIDIA-H800", **selector}
    cluster = StandIn([node(gpus=1, labels=labels)], [triton("a")], job=job_of(config()))
    assert release_from_config(changed).plan_id == release_from_config(config()).plan_id
    require(changed, cluster)


def test_another_storage_has_to_be_filled_again() -> None:
    cluster = StandIn([node(gpus=1)], [triton("a")], job=job_of(config()))
    moved = config(storage={"kind": "nfs", "server": "nfs.example", "path": "/exports/models"})
    with pytest.raises(CapacityError, match="the plan's build needs a GPU"):
        require(moved, cluster)


def test_a_published_plan_whose_job_was_deleted_needs_no_gpu() -> None:
    full = [node(gpus=1)], [triton("a")]
    require(config(), StandIn(*full, configmap=json.dumps({"data": {"manifest.json": "{}"}})))
    with pytest.raises(CapacityError, match="the plan's build needs a GPU"):
        require(config(), StandIn(*full, configmap=json.dumps({"metadata": {}})))


def test_a_job_that_has_not_succeeded_needs_its_gpu() -> None:
    cluster = StandIn([node(gpus=1)], [triton("a")], job=job_of(config(), status={"failed": 1}))
    with pytest.raises(CapacityError, match="the plan's build needs a GPU"):
        require(config(), cluster)


def test_going_back_to_a_pinned_plan_needs_no_gpu() -> None:
    require(config(model={"plan": "0123456789abcdef"}), StandIn([node(gpus=1)], [triton("a")]))


def test_a_pool_of_none_may_grow_to_its_limit() -> None:
    require(config(nodePool=KARPENTER, serving={"replicas": 2}), StandIn([], []))


def test_a_pool_at_its_limit_has_no_gpu_for_a_build() -> None:
    labels = {"karpenter.sh/nodepool": "triton-h800", "nvidia.com/gpu.product": "NVIDIA-H800"}
    nodes = [node(name, gpus=1, labels=labels) for name in ("a", "b")]
    cluster = StandIn(nodes, [triton("1", on="a"), triton("2", on="b")])
    with pytest.raises(CapacityError, match=r"the plan's build needs a GPU.*raise nodePool\.gpuLimit"):
        require(config(nodePool=KARPENTER, serving={"replicas": 2}), cluster)


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("nodepools", "nodePool.kind: is karpenter, and the cluster has no Karpenter"),
        ("EC2NodeClass", "nodePool.nodeClass: EC2NodeClass.karpenter.k8s.aws 'gpu' is not there"),
    ],
)
def test_what_karpenter_needs_is_not_there(missing: str, said: str) -> None:
    with pytest.raises(CapacityError) as caught:
        require(config(nodePool=KARPENTER), StandIn([], [], **{missing: "Error from server (NotFound)"}))
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{said} (Error from server (NotFound)); accepted: ")


def test_a_cluster_that_does_not_say_is_not_blamed_for_what_it_has() -> None:
    with pytest.raises(DeployError, match=r"^kubectl get nodepools\.karpenter\.sh failed: Error.*Forbidden"):
        require(config(nodePool=KARPENTER), StandIn([], [], nodepools="Error from server (Forbidden)"))


def test_nodes_that_may_not_be_read_are_unknown_and_no_fault() -> None:
    cluster = StandIn([], [])
    cluster.forbidden = {"nodes"}

    (line,) = require(config("dev"), cluster)

    assert line == (
        "unknown: whether the nodes are there that nodePool means: this user may not read nodes (docs/rbac.yaml, "
        "part cluster); going on"
    )


def test_without_the_pods_of_others_their_gpus_are_unknown_and_taken_for_free() -> None:
    cluster = StandIn([node(gpus=1)], [pod("training", on="gpu-1", namespace="other", initial=1)])
    with pytest.raises(CapacityError, match="no GPU is free"):
        require(config(), cluster)
    cluster.forbidden = {"all pods"}

    (line,) = require(config(), cluster)

    assert line.startswith("unknown: which GPUs the pods of other namespaces hold: this user may not read pods of all")


def test_what_no_pod_could_have_is_a_fault_whoever_holds_it() -> None:
    cluster = StandIn([node(gpus=1)], [])
    cluster.forbidden = {"all pods"}

    with pytest.raises(CapacityError, match="2 need 2 GPUs, and 1 can be had"):
        require(config(serving={"replicas": 2}), cluster)


def test_a_karpenter_that_may_not_be_read_is_unknown_and_its_nodes_are_counted() -> None:
    cluster = StandIn([], [])
    cluster.forbidden = {"nodepools.karpenter.sh"}

    (line,) = require(config(nodePool=KARPENTER), cluster)

    assert line.startswith("unknown: whether Karpenter and its EC2NodeClass gpu are there: this user may not read")
    assert ("all pods",) in cluster.asked
