"""Where a stack's pods may run, and the pool that Karpenter makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.components.node_pool import NodePool, NodePoolArgs, Placement
from infra.config.node_pools import ExistingNodePool, KarpenterNodePool, NodeClass, Requirement, Toleration

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

TAINT = Toleration(key="dedicated", operator="Equal", value="triton", effect="NoSchedule")
KARPENTER = KarpenterNodePool(
    kind="karpenter",
    nodeClass=NodeClass(group="karpenter.k8s.aws", kind="EC2NodeClass", name="gpu"),
    requirements=(
        Requirement(key="node.kubernetes.io/instance-type", values=("p5.48xlarge",)),
        Requirement(key="karpenter.k8s.aws/instance-gpu-name", operator="Exists"),
    ),
    gpuProduct="NVIDIA-H800",
    gpuLimit=16,
    consolidateAfter="5m",
    expireAfter="Never",
)


def declared_pool(
    declare: Declare, pool: ExistingNodePool | KarpenterNodePool, *, has_gpu: bool
) -> tuple[Declared, Placement]:
    pools: list[NodePool] = []
    args = NodePoolArgs(pool=pool, pool_name="triton-h800", has_gpu=has_gpu)
    declared = declare(lambda: pools.append(NodePool("node-pool", args)))
    return declared, pools[0].placement


def tolerations(placement: Placement) -> list[tuple[Any, ...]]:
    return [(found.key, found.operator, found.value, found.effect) for found in placement.tolerations]


def test_an_existing_pool_creates_nothing_and_says_where_pods_may_run(declare: Declare) -> None:
    pool = ExistingNodePool(kind="existing", selector={"pool": "triton"}, tolerations=(TAINT,))
    declared, placement = declared_pool(declare, pool, has_gpu=False)
    assert declared.types() == {"densenet:infra:NodePool": 1}
    assert placement.node_selector == {"pool": "triton"}
    assert tolerations(placement) == [("dedicated", "Equal", "triton", "NoSchedule")]
    assert placement.affinity is None


def test_pods_with_a_gpu_go_to_their_product_and_tolerate_what_keeps_others_off(declare: Declare) -> None:
    pool = ExistingNodePool(kind="existing", gpuProduct="NVIDIA-H800", tolerations=(TAINT,))
    _, placement = declared_pool(declare, pool, has_gpu=True)
    assert tolerations(placement) == [
        ("nvidia.com/gpu", "Exists", None, None),
        ("dedicated", "Equal", "triton", "NoSchedule"),
    ]
    affinity: Any = placement.affinity
    (term,) = affinity.node_affinity["required_during_scheduling_ignored_during_execution"]["node_selector_terms"]
    (expression,) = term["match_expressions"]
    assert (expression["key"], expression["operator"], expression["values"]) == (
        "nvidia.com/gpu.product",
        "In",
        ["NVIDIA-H800"],
    )


def test_a_karpenter_pool_exactly(declare: Declare) -> None:
    declared, _ = declared_pool(declare, KARPENTER, has_gpu=True)
    assert declared.types() == {"densenet:infra:NodePool": 1, "kubernetes:karpenter.sh/v1:NodePool": 1}
    pool = declared.named("node-pool-karpenter")
    assert pool.parent == "node-pool"
    assert pool.create_timeout == "60s"
    assert pool.inputs["metadata"] == {
        "name": "triton-h800",
        "annotations": {
            "pulumi.com/waitFor": "condition=Ready",
            "pulumi.com/deletionPropagationPolicy": "foreground",
        },
    }
    assert pool.inputs["spec"] == {
        "template": {
            "metadata": {"labels": {"nvidia.com/gpu.product": "NVIDIA-H800"}},
            "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
                "requirements": [
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]},
                    {"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "Exists"},
                ],
                "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}],
                "expireAfter": "Never",
            },
        },
        "limits": {"nvidia.com/gpu": "16"},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "5m"},
    }


def test_pods_of_a_karpenter_pool_select_it(declare: Declare) -> None:
    selected: list[Any] = []

    def declaration() -> Any:
        pool = NodePool("node-pool", NodePoolArgs(pool=KARPENTER, pool_name="triton-h800", has_gpu=True))
        chosen: Any = pool.placement.node_selector["karpenter.sh/nodepool"]
        return chosen.apply(selected.append)

    declare(declaration)
    assert selected == ["triton-h800"]
