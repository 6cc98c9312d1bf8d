"""What every pod of a stack says of its security and of its nodes, as Kubernetes writes it: plain data, in one place.

The program makes Pulumi's arguments of it; the gate and the trial of the NetworkPolicies make their own Jobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.config.node_pools import GPU_PRODUCT_LABEL, tolerations_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.config.node_pools import ExistingNodePool, KarpenterNodePool
    from infra.config.serving import Serving

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


def job_spec(name: str, pod: Mapping[str, Any], *, serving: Serving, deadline_s: int, kept_s: int) -> dict[str, Any]:
    """Return the spec of a Job beside the program's, which runs once, without a token, as the stack's pods are secured.

    Args:
        name: of what its pod is.
        pod: what is its pod's own: containers, volumes, nodes.
        serving: the configuration group, which has the pods' labels and annotations.
        deadline_s: from its creation to its end.
        kept_s: how long it stays after that.
    """
    template: dict[str, Any] = {"labels": {**serving.labels, "app.kubernetes.io/name": name, PLAN_LABEL: ""}}
    if serving.annotations:
        template["annotations"] = dict(serving.annotations)
    secured = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": POD_SECURITY,
    }
    return {
        "activeDeadlineSeconds": deadline_s,
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": kept_s,
        "template": {"metadata": template, "spec": {**secured, **pod}},
    }
