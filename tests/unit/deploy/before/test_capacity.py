from typing import Any

import pytest

from deploy.before.capacity import Demand, capacity_of, faults_of, limit_faults
from infra.config.node_pools import Toleration
from tests.unit.deploy.kubernetes_objects import GPU_TAINT, PRODUCT, node, pod, triton


def demand(**changes: Any) -> Demand:
    asked: dict[str, Any] = {
        "stack": "h800",
        "namespace": "triton-h800",
        "selector": {"pool": "gpu"},
        "gpu_product": "NVIDIA-H800",
        "tolerations": [Toleration(key="nvidia.com/gpu")],
        "replicas": 1,
        "gpus_per_replica": 1,
        "spare_gpus": 0,
        "builds": True,
    }
    return Demand(**asked | changes)


def faults(nodes: list[dict[str, Any]], pods: list[dict[str, Any]], asked: Demand) -> list[str]:
    found = faults_of(capacity_of(nodes, pods, asked), asked)
    assert all(len(fault.splitlines()) == 1 for fault in found)
    return found


def test_nodes_with_free_gpus_are_counted() -> None:
    nodes = [node(), node("gpu-2", 4), node("cpu-1", None, labels={"pool": "cpu"})]
    asked = demand(replicas=2, spare_gpus=1)
    capacity = capacity_of(nodes, [pod("a"), pod("b", 2, on="gpu-2")], asked)

    assert faults_of(capacity, asked) == []
    assert [(node.name, node.free) for node in capacity.nodes] == [("gpu-1", 1), ("gpu-2", 2)]
    assert capacity.free_gpus == 3


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        (pod("done", phase="Succeeded"), 2),
        (pod("failed", phase="Failed"), 2),
        (pod("pending", on=None, phase="Pending"), 2),
        (pod("elsewhere", on="gpu-9"), 2),
        (pod("starting", phase="Pending"), 1),
        (pod("first-two-then-one", initial=2), 0),
        (pod("first-one-then-one", initial=1), 1),
    ],
    ids=lambda value: value["metadata"]["name"] if isinstance(value, dict) else str(value),
)
def test_a_pod_holds_what_the_scheduler_counts(taken: dict[str, Any], free: int) -> None:
    assert capacity_of([node()], [taken], demand()).free_gpus == free


def test_a_selector_that_matches_no_node_shows_the_labels_of_those_that_are_there() -> None:
    nodes = [
        node("gpu-1", labels={"pool": "a", PRODUCT: "NVIDIA-L4"}),
        node("gpu-2", labels={"pool": "b", PRODUCT: "NVIDIA-L4"}),
        node("cpu-1", labels={"pool": "b"}),
    ]

    (fault,) = faults(nodes, [], demand())

    assert fault == (
        "nodePool: no node matches pool=gpu, nvidia.com/gpu.product=NVIDIA-H800; "
        "seen on 3 nodes: pool: b (2), a (1); nvidia.com/gpu.product: NVIDIA-L4 (2); "
        "accepted: a Ready, schedulable node with these labels and no taint that is not tolerated; "
        "correct nodePool in Pulumi.h800.yaml or add such a node"
    )


def test_the_products_are_shown_where_only_the_selector_is_wrong() -> None:
    (fault,) = faults([node()], [], demand(selector={"pool": "cpu"}, gpu_product=None))

    assert "seen on 1 nodes: pool: gpu (1); nvidia.com/gpu.product: NVIDIA-H800 (1); " in fault


def test_a_label_that_no_node_has_is_shown_so() -> None:
    (fault,) = faults([node(labels={})], [], demand(selector={}))

    assert "nvidia.com/gpu.product: none; " in fault


def test_of_many_values_a_few_are_shown() -> None:
    nodes = [node(f"gpu-{number}", labels={"pool": str(number)}) for number in range(9)]
    (fault,) = faults(nodes, [], demand(gpu_product=None))

    assert "pool: 0 (1), 1 (1), 2 (1), 3 (1) and 5 more; " in fault


def test_a_cluster_without_nodes() -> None:
    (fault,) = faults([], [], demand())

    assert "; the cluster has no nodes; " in fault


@pytest.mark.parametrize(
    ("unfit", "why"),
    [
        (node(ready=False), "gpu-1 (not Ready)"),
        (node(cordoned=True), "gpu-1 (cordoned)"),
        (node(taints=[{"key": "team", "value": "b", "effect": "NoSchedule"}]), "gpu-1 (taint team=b:NoSchedule)"),
        (node(taints=[{"key": "drain", "effect": "NoExecute"}]), "gpu-1 (taint drain:NoExecute)"),
    ],
    ids=["not-ready", "cordoned", "no-schedule", "no-execute"],
)
def test_a_node_that_has_the_labels_and_cannot_be_used_says_why(unfit: dict[str, Any], why: str) -> None:
    (fault,) = faults([unfit], [], demand())

    assert f"; nodes that carry it: {why}; accepted: " in fault


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"key": "team"}, True),
        ({"key": "team", "effect": "NoSchedule"}, True),
        ({"key": "team", "effect": "NoExecute"}, False),
        ({"key": "team", "operator": "Equal", "value": "a"}, True),
        ({"key": "team", "operator": "Equal", "value": "b"}, False),
        ({"key": "other"}, False),
    ],
)
def test_a_taint_is_tolerated_as_kubernetes_does(toleration: dict[str, Any], tolerated: bool) -> None:  # noqa: FBT001 - a parameter of the test
    tainted = node(taints=[{"key": "team", "value": "a", "effect": "NoSchedule"}])
    capacity = capacity_of([tainted], [], demand(tolerations=[Toleration.model_validate(toleration)]))

    assert bool(capacity.nodes) is tolerated


def test_a_taint_that_only_asks_keeps_nobody_away() -> None:
    tainted = node(taints=[{"key": "team", "effect": "PreferNoSchedule"}])

    assert faults([tainted], [], demand()) == []


@pytest.mark.parametrize("gpus", [None, 0])
def test_nodes_without_a_device_plugin(gpus: int | None) -> None:
    (fault,) = faults([node(gpus=gpus)], [], demand())

    assert fault == (
        "nodePool: no node that matches offers nvidia.com/gpu (gpu-1); accepted: nodes with NVIDIA's driver and "
        "device plugin; install them there, as the GPU operator does"
    )


def test_gpus_that_others_hold_name_their_holders() -> None:
    (fault,) = faults([node()], [pod("a"), pod("b")], demand())

    assert fault == (
        "nodePool: no GPU is free (GPUs: 2 on gpu-1; held by other pods: others/a, others/b); "
        "accepted: 1 free for serving.replicas 1; free them or add nodes"
    )


def test_fewer_gpus_than_the_replicas_need() -> None:
    (fault,) = faults([node(gpus=4)], [pod("a"), pod("b", on="cpu-1")], demand(replicas=4))

    assert fault == (
        "serving.replicas: 4 need 4 GPUs, and 3 can be had (GPUs: 4 on gpu-1; held by other pods: others/a); "
        "accepted: at most 3 replicas; in Pulumi.h800.yaml set serving.replicas: 3, or free some or add nodes"
    )


def test_a_replicas_gpus_are_of_one_node() -> None:
    nodes = [node(), node("gpu-2")]
    (fault,) = faults(nodes, [], demand(gpus_per_replica=4))

    assert fault.startswith("serving.gpusPerReplica: 4 do not fit on any one node (GPUs: 4 on gpu-1, gpu-2; ")
    assert "set serving.gpusPerReplica: 2, or " in fault


def test_gpus_that_are_left_over_on_a_node_serve_no_replica() -> None:
    (fault,) = faults([node(gpus=3), node("gpu-2", 3)], [], demand(replicas=3, gpus_per_replica=2))

    assert fault.startswith("serving.replicas: 3 need 6 GPUs, and 4 can be had ")


def test_a_spare_gpu_that_is_not_there() -> None:
    (fault,) = faults([node()], [], demand(replicas=2, spare_gpus=1))

    assert fault == (
        "nodePool.spareGpus: 1 declared, and 0 can be had beside the 2 that serve (GPUs: 2 on gpu-1; "
        "held by other pods: none); accepted: at most 0; in Pulumi.h800.yaml set nodePool.spareGpus: 0, "
        "or free some or add nodes"
    )


def test_more_free_gpus_than_declared_are_no_fault() -> None:
    assert faults([node(gpus=8)], [], demand()) == []


def test_what_the_stack_serves_with_already_is_its_own() -> None:
    serving = [triton("triton-a"), triton("triton-b")]

    assert faults([node()], serving, demand(replicas=2, builds=False)) == []


def test_a_build_while_the_stack_serves_on_every_gpu() -> None:
    (fault,) = faults([node()], [triton("triton-a"), pod("a")], demand())

    assert fault == (
        "nodePool: the plan's build needs a GPU, and this stack's own serving holds every one that is left (1); "
        "accepted: one free GPU; add one, or accept an outage: make destroy STACK=h800, then make up STACK=h800"
    )


def test_a_build_with_several_replicas_can_take_the_gpu_of_one() -> None:
    (fault,) = faults([node()], [triton("triton-a"), triton("triton-b")], demand(replicas=2))

    assert "or make up with fewer serving.replicas before the change that needs a build, or accept an outage" in fault


def test_a_build_that_is_running_already_has_its_gpu() -> None:
    build = pod("plan-0123", namespace="triton-h800", labels={"app.kubernetes.io/name": "plan-build"})

    assert faults([node()], [triton("triton-a"), build], demand()) == []


def test_a_stranger_in_the_stack_s_namespace_is_no_build() -> None:
    stranger = pod("notebook-0", namespace="triton-h800")
    (fault,) = faults([node(gpus=1)], [stranger], demand())
    assert "no GPU is free" in fault
    assert "triton-h800/notebook-0" in fault
    assert "the plan's build needs a GPU" in faults([node()], [stranger, triton("triton-a")], demand())[0]


@pytest.mark.parametrize(
    "unusable",
    [
        {"taints": [GPU_TAINT, {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]},
        {"ready": False},
        {"labels": {"pool": "gpu", PRODUCT: "NVIDIA-H100"}},
    ],
)
def test_nodes_that_cannot_be_used_count_against_the_limit_while_they_are_there(unusable: dict[str, Any]) -> None:
    """Replicas still serve there: they may be replaced, for then the node goes, but nothing is built beside them."""
    nodes, pods = [node("a", 1, **unusable), node("b", 1, **unusable)], [triton("1", "a"), triton("2", "b")]
    asked = demand(replicas=2)
    (fault,) = limit_faults(capacity_of(nodes, pods, asked), asked, 2)
    assert "the plan's build needs a GPU" in fault
    again = demand(replicas=2, builds=False)
    assert limit_faults(capacity_of(nodes, pods, again), again, 2) == []


def test_a_replica_that_is_larger_than_the_limit() -> None:
    asked = demand(gpus_per_replica=4)
    (fault,) = limit_faults(capacity_of([], [], asked), asked, 2)
    assert "serving.gpusPerReplica: 4 do not fit on any one node (GPUs: 0 on no node yet" in fault


def test_a_build_beside_a_free_gpu() -> None:
    assert faults([node()], [triton("triton-a")], demand()) == []


def test_a_stack_on_cpu_needs_a_node_and_no_gpu() -> None:
    on_cpu = demand(selector={}, gpu_product=None, tolerations=[], gpus_per_replica=0)

    assert faults([node(gpus=None, labels={}, taints=[])], [], on_cpu) == []
    (fault,) = faults([node(labels={})], [], on_cpu)
    assert fault.startswith("nodePool: no node matches any label; nodes that carry it: gpu-1 (taint nvidia.com/gpu=")


def limited(nodes: list[dict[str, Any]], pods: list[dict[str, Any]], asked: Demand) -> list[str]:
    """The faults on a pool that grows to two GPUs."""
    return limit_faults(capacity_of(nodes, pods, asked), asked, 2)


@pytest.mark.parametrize("nodes", [[], [node(gpus=1)]], ids=["none-yet", "one"])
def test_a_pool_that_grows_counts_with_what_may_still_come(nodes: list[dict[str, Any]]) -> None:
    assert limited(nodes, [triton("triton-a")], demand(replicas=2)) == []


def test_a_pool_at_its_limit_has_no_gpu_for_a_build() -> None:
    (fault,) = limited([node(gpus=1), node("gpu-2", 1)], [triton("a"), triton("b", "gpu-2")], demand(replicas=2))

    assert fault.startswith("nodePool: the plan's build needs a GPU, and this stack's own serving holds every one ")
    assert fault.endswith("; or raise nodePool.gpuLimit, 2")


def test_a_pool_whose_limit_others_use_up() -> None:
    (fault,) = limited([node(gpus=1)], [pod("a")], demand(replicas=2))

    assert fault.startswith("serving.replicas: 2 need 2 GPUs, and 1 can be had (GPUs: 1 on gpu-1; held by ")
