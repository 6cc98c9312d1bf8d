"""What is asked of the cluster before a stack is deployed, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.errors import CapacityError, CommandFailedError
from deploy.nodes import require_nodes
from infra.config import REPOSITORY, StackConfig, config_from_values
from infra.release import release_from_config
from tests.unit.deploy.test_capacity import node, triton

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

    def nodes(self) -> list[dict[str, Any]]:
        return self._nodes

    def all_pods(self) -> list[dict[str, Any]]:
        self.asked.append(("all pods",))
        return self._pods

    def kubectl(self, *arguments: str) -> str:
        self.asked.append(arguments)
        answer = self._answers.get(arguments[1].partition(".")[0], "")
        if answer.startswith("Error"):
            raise CommandFailedError(answer)
        return answer


def config(stack: str = "h800", **changes: Any) -> StackConfig:
    values = yaml.safe_load(Path(REPOSITORY / f"Pulumi.{stack}.yaml").read_text())["config"]
    for group, keys in changes.items():
        kept = {} if "kind" in keys else values[f"densenet-triton:{group}"]
        values[f"densenet-triton:{group}"] = kept | keys
    return config_from_values(values, stack=stack)


def require(config: StackConfig, cluster: StandIn) -> None:
    require_nodes(config, cluster)  # type: ignore[arg-type]


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
    cluster = StandIn(*full, job="1")
    require(config(), cluster)
    job = next(asked for asked in cluster.asked if asked[1] == "job")
    assert job[2] == f"plan-{release_from_config(config()).plan_id}"
    assert "--namespace=triton-h800" in job


def test_a_pool_of_none_may_grow_to_its_limit() -> None:
    require(config(nodePool=KARPENTER, serving={"replicas": 2}), StandIn([], []))


def test_a_pool_at_its_limit_has_no_gpu_for_a_build() -> None:
    labels = {"karpenter.sh/nodepool": "triton-h800", "nvidia.com/gpu.product": "NVIDIA-H800"}
    nodes = [node(name, gpus=1, labels=labels) for name in ("a", "b")]
    cluster = StandIn(nodes, [triton("1", on="a"), triton("2", on="b")])
    with pytest.raises(CapacityError, match=r"the plan's build needs a GPU.*raise nodePool\.gpuLimit"):
        require(config(nodePool=KARPENTER, serving={"replicas": 2}), cluster)


@pytest.mark.parametrize("missing", ["nodepools", "EC2NodeClass"])
def test_a_node_class_that_is_not_there(missing: str) -> None:
    with pytest.raises(CapacityError) as caught:
        require(config(nodePool=KARPENTER), StandIn([], [], **{missing: "Error from server (NotFound)"}))
    (line,) = str(caught.value).splitlines()
    assert line.startswith("nodePool.nodeClass: EC2NodeClass.karpenter.k8s.aws 'gpu' is not there: Error from server")
    assert line.endswith("correct it in Pulumi.h800.yaml")
