"""Objects as the policy pack sees them: a right one, and the same with one thing changed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from policy.resource import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = "sha256:" + "a" * 64
IMAGE = f"nvcr.io/nvidia/tritonserver:26.07-py3@{DIGEST}"
LABELS = {"app.kubernetes.io/name": "triton"}
RESTRICTED = "shared-memory,model-repository,statistics,trace,logging"

_CONTAINER = {
    "name": "triton",
    "image": IMAGE,
    "command": ["tritonserver"],
    "args": [
        *("--model-repository=/mnt/model", "--allow-grpc=false", "--allow-metrics=false", "--model-control-mode=none"),
        f"--http-restricted-api={RESTRICTED}:restricted=$(POD_UID)",
    ],
    "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    "ports": [{"name": "http", "containerPort": 8080}],
    "volumeMounts": [
        {"name": "storage", "mountPath": "/mnt/model", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
    ],
}
_POD = {
    "metadata": {"labels": LABELS},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_CONTAINER],
        "volumes": [
            {"name": "storage", "persistentVolumeClaim": {"claimName": "models", "readOnly": True}},
            {"name": "tmp", "emptyDir": {}},
        ],
    },
}
_METADATA = {"name": "triton", "namespace": "triton-x"}


def resource(type_: str, spec: dict[str, Any], **metadata: Any) -> Resource:
    return Resource(
        urn=f"urn:pulumi:x::densenet-triton::kubernetes:{type_}::triton",
        type=f"kubernetes:{type_}",
        props={"metadata": {**_METADATA, **metadata}, "spec": spec},
    )


def workload(change: Callable[[dict[str, Any]], object], kind: str = "apps/v1:Deployment") -> Resource:
    """A Deployment, or a Job, with its pod's spec changed."""
    pod = copy.deepcopy(_POD)
    change(pod["spec"])
    return resource(kind, {"replicas": 1, "template": pod})


def deployment(**container: Any) -> Resource:
    """A Deployment with keys of its container changed."""
    return workload(lambda spec: spec["containers"][0].update(container))


def job(**container: Any) -> Resource:
    return workload(lambda spec: spec["containers"][0].update(container), "batch/v1:Job")


def replicas(number: int) -> Resource:
    return resource("apps/v1:Deployment", {"replicas": number, "template": copy.deepcopy(_POD)})


def budget(**spec: Any) -> Resource:
    return resource("policy/v1:PodDisruptionBudget", {"selector": {"matchLabels": LABELS}, **spec})
