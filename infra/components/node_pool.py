"""The nodes that a stack runs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.components.arguments import snake_cased
from infra.components.custom_resource import CustomResource
from infra.config.node_pools import (
    GPU_PRODUCT_LABEL,
    GPU_RESOURCE,
    POOL_LABEL,
    KarpenterNodePool,
)
from infra.pods import affinity, tolerations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.config.node_pools import ExistingNodePool
    from infra.config.serving import Resources

KARPENTER_API = "karpenter.sh/v1"

KEEP_NODE = {"karpenter.sh/do-not-disrupt": "true"}
"""Annotation of a pod that Karpenter must not evict: its node goes when the pod has gone. Without it a changed pool
would replace nodes under serving replicas, beyond the GPU limit even."""

_AWAIT_S = 60
_NODES_GONE_S = 1800


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """Which nodes.

    Attributes:
        pool: the configuration group.
        pool_name: of a pool that is made here; node pools belong to the whole cluster.
        has_gpu: whether the stack's pods ask for GPUs.
    """

    pool: ExistingNodePool | KarpenterNodePool
    pool_name: str
    has_gpu: bool


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a pod may run.

    Attributes:
        node_selector: labels that the node carries.
        tolerations: taints that the node may have.
        affinity: what the node must be beside, or None.
    """

    node_selector: Mapping[str, pulumi.Input[str]]
    tolerations: Sequence[core.TolerationArgs]
    affinity: core.AffinityArgs | None


def container_resources(resources: Resources, *, gpus: int) -> core.ResourceRequirementsArgs:
    """What a container asks of its node; of GPUs a limit is a request too."""
    limits = {"cpu": resources.cpu_limit, "memory": resources.memory_limit, GPU_RESOURCE: str(gpus) if gpus else None}
    return core.ResourceRequirementsArgs(
        requests={"cpu": resources.cpu, "memory": resources.memory},
        limits={name: limit for name, limit in limits.items() if limit is not None},
    )


class NodePool(pulumi.ComponentResource):
    """The nodes that the build and Triton land on, and nowhere else.

    With kind ``karpenter`` the pool is made here: it grows from no node at all, holds its GPU limit, and takes a node
    away only when it is empty. Its removal waits until its nodes are gone.

    Attributes:
        placement: what a pod says to land there.
    """

    placement: Placement

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:NodePool", name, None, opts)
        pool = args.pool
        if isinstance(pool, KarpenterNodePool):
            made = _karpenter_pool(name, args.pool_name, pool, self)
            node_selector: Mapping[str, pulumi.Input[str]] = {POOL_LABEL: made.name}
        else:
            node_selector = dict(pool.selector)
        on_product = affinity(pool, has_gpu=args.has_gpu)
        self.placement = Placement(
            node_selector=node_selector,
            tolerations=[
                core.TolerationArgs(**snake_cased(toleration)) for toleration in tolerations(pool, has_gpu=args.has_gpu)
            ],
            affinity=core.AffinityArgs(**snake_cased(on_product)) if on_product else None,
        )
        self.register_outputs({"nodeSelector": self.placement.node_selector})


def _karpenter_pool(name: str, pool_name: str, pool: KarpenterNodePool, parent: pulumi.Resource) -> CustomResource:
    """The pool. Pulumi waits until Karpenter has found the node class, and at its end until the nodes are gone."""
    return CustomResource(
        f"{name}-karpenter",
        api_version=KARPENTER_API,
        kind="NodePool",
        metadata=meta.ObjectMetaArgs(
            name=pool_name,
            annotations={
                "pulumi.com/waitFor": "condition=Ready",
                "pulumi.com/deletionPropagationPolicy": "foreground",
            },
        ),
        spec=_karpenter_spec(pool),
        opts=pulumi.ResourceOptions(
            parent=parent,
            custom_timeouts=pulumi.CustomTimeouts(
                create=f"{_AWAIT_S}s", update=f"{_AWAIT_S}s", delete=f"{_NODES_GONE_S}s"
            ),
        ),
    )


def _karpenter_spec(pool: KarpenterNodePool) -> dict[str, Any]:
    """The pool's spec; nodes carry the product's label before the GPU operator has seen them."""
    node = {
        "nodeClassRef": pool.node_class.model_dump(),
        "requirements": [_requirement(requirement.model_dump()) for requirement in pool.requirements],
        "taints": [{"key": GPU_RESOURCE, "value": "present", "effect": "NoSchedule"}],
        "expireAfter": pool.expire_after,
    }
    return {
        "template": {"metadata": {"labels": {GPU_PRODUCT_LABEL: pool.gpu_product}}, "spec": node},
        "limits": {GPU_RESOURCE: str(pool.gpu_limit)},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": pool.consolidate_after},
    }


def _requirement(written: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if key == "values" else value for key, value in written.items() if value != ()}
