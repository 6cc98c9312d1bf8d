"""The GPUs of nodes and pods, read from what the Kubernetes API says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.waits.diagnosis import is_ready
from infra.config.node_pools import GPU_RESOURCE, Toleration

_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, kw_only=True)
class Node:
    """The GPUs of a node that matches.

    Attributes:
        name: of the node.
        gpus: that it offers to pods.
        serving: held by the stack's own Triton pods.
        building: held by the stack's plan build.
        held: held by everybody else.
    """

    name: str
    gpus: int
    serving: int
    building: int
    held: int

    @property
    def free(self) -> int:
        """GPUs that no pod holds."""
        return max(0, self.gpus - self.serving - self.building - self.held)

    @property
    def for_serving(self) -> int:
        """GPUs that the stack's replicas can have: those that are free, and those that it has already."""
        return max(0, self.gpus - self.held)


def node_from_pods(node: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], namespace: str) -> Node:
    """Count the GPUs of a node by what its pods are to the stack whose namespace this is."""
    name = node["metadata"]["name"]
    counted = Counter[str]()
    for pod in pods:
        if pod["spec"]["nodeName"] == name:
            counted[role_of_pod(pod, namespace)] += gpus_of_pod(pod)
    return Node(
        name=name,
        gpus=gpus_of_node(node),
        serving=counted["serving"],
        building=counted["building"],
        held=counted["held"],
    )


def role_of_pod(pod: Mapping[str, Any], namespace: str) -> str:
    """Return what a pod is to the stack whose namespace this is: `serving`, `building`, or `held` by a stranger."""
    name = labels_of(pod).get("app.kubernetes.io/name")
    own = pod["metadata"]["namespace"] == namespace
    return {"triton": "serving", "plan-build": "building"}.get(name or "", "held") if own else "held"


def gpus_of_node(node: Mapping[str, Any]) -> int:
    """Return the GPUs that a node offers to pods."""
    return int(node["status"].get("allocatable", {}).get(GPU_RESOURCE, 0))


def is_holding(pod: Mapping[str, Any]) -> bool:
    """Whether a pod holds GPUs still."""
    return pod.get("status", {}).get("phase") not in _ENDED and gpus_of_pod(pod) > 0


def gpus_of_pod(pod: Mapping[str, Any]) -> int:
    """Return a pod's GPUs, as the scheduler counts: all containers at once, the initial ones after each other."""
    at_once = sum(_gpus_of_container(container) for container in pod["spec"]["containers"])
    return max([at_once, *(_gpus_of_container(container) for container in pod["spec"].get("initContainers", []))])


def _gpus_of_container(container: Mapping[str, Any]) -> int:
    return int(container.get("resources", {}).get("requests", {}).get(GPU_RESOURCE, 0))


def refusal_of_node(node: Mapping[str, Any], tolerations: Sequence[Toleration]) -> str | None:
    """Why no pod of the stack can be scheduled to a node that has the labels, or None."""
    if not is_ready(node):
        return "not Ready"
    if node["spec"].get("unschedulable"):
        return "cordoned"
    for taint in node["spec"].get("taints", []):
        hard = taint["effect"] in {"NoSchedule", "NoExecute"}
        if hard and not any(_tolerates(toleration, taint) for toleration in tolerations):
            value = f"={taint['value']}" if taint.get("value") else ""
            return f"taint {taint['key']}{value}:{taint['effect']}"
    return None


def _tolerates(toleration: Toleration, taint: Mapping[str, Any]) -> bool:
    if toleration.key != taint["key"] or toleration.effect not in {None, taint["effect"]}:
        return False
    return toleration.operator == "Exists" or (toleration.value or "") == taint.get("value", "")


def labels_of(thing: Mapping[str, Any]) -> dict[str, str]:
    """Return the labels of a node or a pod."""
    labels: dict[str, str] = thing["metadata"].get("labels") or {}
    return labels
