"""What every pod of a stack says of its security and of its nodes, as Kubernetes writes it: plain data, in one place.

The program makes Pulumi's arguments of it, and the gate its own Job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.config.node_pools import GPU_PRODUCT_LABEL, tolerations_of

if TYPE_CHECKING:
    from infra.config.node_pools import ExistingNodePool, KarpenterNodePool

PLAN_LABEL = "densenet-triton/plan"
"""On every pod of a stack, and on nobody else's: the plan that it builds or serves; nothing where it does neither."""

DEFAULT_DENY = "triton-default-deny"
"""Name of the NetworkPolicy that lets nobody into the stack's pods and nothing out; others add to it."""

ENFORCEMENT_TRIAL = "enforcement-trial"
"""Name of the pod that tries to enter Triton's, which nobody admits."""

USER_ID = 1000
"""User and group of the project's images, and owner of the storage."""

POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER_ID,
    "runAsGroup": USER_ID,
    "fsGroup": USER_ID,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of every pod: what restricted pod security asks."""

CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
"""The security context of every container, likewise."""


def tolerations(pool: ExistingNodePool | KarpenterNodePool, *, has_gpu: bool) -> list[dict[str, Any]]:
    """Return the taints that a pod's node may have."""
    return [toleration.model_dump(exclude_none=True) for toleration in tolerations_of(pool, has_gpu=has_gpu)]


def affinity(pool: ExistingNodePool | KarpenterNodePool, *, has_gpu: bool) -> dict[str, Any] | None:
    """Return the affinity of a pod: a plan runs on the GPU product that it was built for; without a GPU it has none."""
    if not has_gpu or not pool.gpu_product:
        return None
    product = {"key": GPU_PRODUCT_LABEL, "operator": "In", "values": [pool.gpu_product]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [product]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
