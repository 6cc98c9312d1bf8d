"""Whether a cluster has the nodes and the GPUs that a stack declares, counted before anything is created."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy.errors import CapacityError
from infra.config.node_pools import Toleration

GPU_RESOURCE = "nvidia.com/gpu"
GPU_PRODUCT_LABEL = "nvidia.com/gpu.product"

_TRITON = {"app.kubernetes.io/name": "triton"}
_ENDED = frozenset({"Succeeded", "Failed"})
_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a stack asks of the nodes that are there.

    Attributes:
        stack: its name; `Pulumi.<stack>.yaml` is what is to be corrected.
        namespace: its own. The GPUs of the pods that run there count as the stack's: an update replaces them.
        selector: labels of a node.
        gpu_product: value of the label `nvidia.com/gpu.product`, if the stack names one.
        tolerations: of its pods.
        replicas: number of serving pods.
        gpus_per_replica: GPUs of each; 0 on CPU, where only the nodes are counted.
        spare_gpus: GPUs that are declared to be free beside those that serve.
        builds: whether the plan is still to be built, which takes one GPU while the old replicas serve.
    """

    stack: str
    namespace: str
    selector: Mapping[str, str]
    gpu_product: str | None
    tolerations: Sequence[Toleration]
    replicas: int
    gpus_per_replica: int
    spare_gpus: int
    builds: bool

    @property
    def labels(self) -> dict[str, str]:
        """The labels that a node must carry."""
        product = {} if self.gpu_product is None else {GPU_PRODUCT_LABEL: self.gpu_product}
        return {**self.selector, **product}

    @property
    def serving_gpus(self) -> int:
        """The GPUs of all replicas."""
        return self.replicas * self.gpus_per_replica


@dataclass(frozen=True, kw_only=True)
class Node:
    """The GPUs of a node that matches.

    Attributes:
        name: of the node.
        gpus: that it offers to pods.
        serving: held by the stack's own Triton pods.
        building: held by other pods of the stack: its plan build.
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


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What a cluster has for a stack.

    Attributes:
        nodes: those that match.
        refused: why each other node that carries the labels can't be used.
        labels_seen: the values that the cluster's nodes have of the labels that are looked for.
        holders: pods of others that hold GPUs of the nodes, as namespace/name.
        room: GPUs that nodes may still come with, where the pool grows.
    """

    nodes: tuple[Node, ...]
    refused: tuple[str, ...]
    labels_seen: str
    holders: tuple[str, ...]
    room: int = 0

    @property
    def gpus(self) -> int:
        """GPUs of the nodes."""
        return sum(node.gpus for node in self.nodes)

    @property
    def free_gpus(self) -> int:
        """GPUs that no pod holds."""
        return sum(node.free for node in self.nodes)


def require_capacity(nodes: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]], demand: Demand) -> Capacity:
    """Return what the cluster has for a stack.

    Args:
        nodes: all of the cluster, as the Kubernetes API gives them.
        pods: all of the cluster, likewise.
        demand: what the stack asks.

    Raises:
        CapacityError: it is too little; a line for each fault.
    """
    capacity = capacity_of(nodes, pods, demand)
    faults = faults_of(capacity, demand)
    if faults:
        raise CapacityError("\n".join(faults))
    return capacity


def capacity_of(nodes: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]], demand: Demand) -> Capacity:
    """Count what the cluster has for a stack; the arguments are those of `require_capacity`."""
    labelled = [node for node in nodes if demand.labels.items() <= _labels(node).items()]
    refusals = {node["metadata"]["name"]: _refusal(node, demand.tolerations) for node in labelled}
    usable = [node for node in labelled if refusals[node["metadata"]["name"]] is None]
    names = {node["metadata"]["name"] for node in usable}
    holding = [pod for pod in pods if pod["spec"].get("nodeName") in names and _is_holding(pod)]
    others = [pod["metadata"] for pod in holding if pod["metadata"]["namespace"] != demand.namespace]
    return Capacity(
        nodes=tuple(_node_from_pods(node, holding, demand.namespace) for node in usable),
        refused=tuple(f"{name} ({reason})" for name, reason in refusals.items() if reason is not None),
        labels_seen=_labels_seen(nodes, demand),
        holders=tuple(f"{metadata['namespace']}/{metadata['name']}" for metadata in others),
    )


def faults_of(capacity: Capacity, demand: Demand) -> list[str]:
    """Say in a line each what a stack would wait for in vain."""
    if not capacity.nodes and not capacity.room:
        return [_no_node(capacity, demand)]
    if demand.gpus_per_replica == 0:
        return []
    return [*_serving_faults(capacity, demand), *_build_faults(capacity, demand)]


def limit_faults(capacity: Capacity, demand: Demand, gpu_limit: int) -> list[str]:
    """Say in a line each what a stack would wait for in vain on a pool that grows up to a limit of GPUs."""
    grown = replace(capacity, room=max(0, gpu_limit - capacity.gpus))
    return [f"{fault}; or raise nodePool.gpuLimit, {gpu_limit}" for fault in faults_of(grown, demand)]


def _no_node(capacity: Capacity, demand: Demand) -> str:
    sought = ", ".join(f"{key}={value}" for key, value in demand.labels.items()) or "any label"
    why = f"nodes that carry it: {_few(capacity.refused)}" if capacity.refused else capacity.labels_seen
    return (
        f"nodePool: no node matches {sought}; {why}; "
        "accepted: a Ready, schedulable node with these labels and no taint that is not tolerated; "
        f"correct nodePool in Pulumi.{demand.stack}.yaml or add such a node"
    )


def _serving_faults(capacity: Capacity, demand: Demand) -> Iterator[str]:
    """Yield the first thing that keeps the replicas from their GPUs."""
    nodes, size, needed = capacity.nodes, demand.gpus_per_replica, demand.serving_gpus
    there = f"{capacity.gpus} on {_few([node.name for node in nodes])}"
    held = f"held by other pods: {_few(capacity.holders) or 'none'}"
    usable = sum(free // size * size for free in [*(node.for_serving for node in nodes), capacity.room])
    file = f"Pulumi.{demand.stack}.yaml"
    if capacity.gpus + capacity.room == 0:
        yield (
            f"nodePool: no node that matches offers {GPU_RESOURCE} ({_few([node.name for node in nodes])}); "
            "accepted: nodes with NVIDIA's driver and device plugin; install them there, as the GPU operator does"
        )
    elif not any(node.for_serving for node in nodes) and not capacity.room:
        yield (
            f"nodePool: no GPU is free (GPUs: {there}; {held}); "
            f"accepted: {needed} free for serving.replicas {demand.replicas}; free them or add nodes"
        )
    elif usable == 0:
        most = max(capacity.room, *(node.for_serving for node in nodes))
        yield (
            f"serving.gpusPerReplica: {size} do not fit on any one node (GPUs: {there}; {held}); "
            f"accepted: at most {most}; in {file} set serving.gpusPerReplica: {most}, or free some or add a node"
        )
    elif usable < needed:
        yield (
            f"serving.replicas: {demand.replicas} need {needed} GPUs, and {usable} can be had (GPUs: {there}; {held}); "
            f"accepted: at most {usable // size} replicas; in {file} set serving.replicas: {usable // size}, "
            "or free some or add nodes"
        )
    elif usable < needed + demand.spare_gpus // size * size:
        spare = usable - needed
        yield (
            f"nodePool.spareGpus: {demand.spare_gpus} declared, and {spare} can be had beside the {needed} that serve "
            f"(GPUs: {there}; {held}); accepted: at most {spare}; in {file} set nodePool.spareGpus: {spare}, "
            "or free some or add nodes"
        )


def _build_faults(capacity: Capacity, demand: Demand) -> Iterator[str]:
    """Yield why the plan can't be built: the replicas that still serve hold every GPU that others do not."""
    serving = sum(node.serving for node in capacity.nodes)
    building = sum(node.building for node in capacity.nodes)
    if demand.builds and serving and not building and capacity.free_gpus + capacity.room == 0:
        fewer = "make up with fewer serving.replicas before the change that needs a build, or "
        make = f"STACK={demand.stack}"
        yield (
            f"nodePool: the plan's build needs a GPU, and this stack's own serving holds every one that is left "
            f"({serving}); accepted: one free GPU; add one, or {fewer if demand.replicas > 1 else ''}"
            f"accept an outage: make destroy {make}, then make up {make}"
        )


def _node_from_pods(node: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], namespace: str) -> Node:
    name = node["metadata"]["name"]
    serving = building = held = 0
    for pod in pods:
        if pod["spec"]["nodeName"] != name:
            continue
        if pod["metadata"]["namespace"] != namespace:
            held += _gpus_of_pod(pod)
        elif _TRITON.items() <= _labels(pod).items():
            serving += _gpus_of_pod(pod)
        else:
            building += _gpus_of_pod(pod)
    gpus = int(node["status"].get("allocatable", {}).get(GPU_RESOURCE, 0))
    return Node(name=name, gpus=gpus, serving=serving, building=building, held=held)


def _is_holding(pod: Mapping[str, Any]) -> bool:
    return pod.get("status", {}).get("phase") not in _ENDED and _gpus_of_pod(pod) > 0


def _gpus_of_pod(pod: Mapping[str, Any]) -> int:
    """A pod's GPUs, as the scheduler counts: all containers at once, the initial ones after each other."""
    at_once = sum(_gpus_of_container(container) for container in pod["spec"]["containers"])
    return max([at_once, *(_gpus_of_container(container) for container in pod["spec"].get("initContainers", []))])


def _gpus_of_container(container: Mapping[str, Any]) -> int:
    return int(container.get("resources", {}).get("requests", {}).get(GPU_RESOURCE, 0))


def _refusal(node: Mapping[str, Any], tolerations: Sequence[Toleration]) -> str | None:
    """Why no pod of the stack can be scheduled to a node that has the labels, or None."""
    conditions = node["status"].get("conditions", [])
    if not any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
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


def _labels(thing: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = thing["metadata"].get("labels") or {}
    return labels


def _labels_seen(nodes: Sequence[Mapping[str, Any]], demand: Demand) -> str:
    """The values of the labels that are looked for, and on how many nodes each is."""
    if not nodes:
        return "the cluster has no nodes"
    keys = [*demand.labels, *([] if demand.gpus_per_replica == 0 else [GPU_PRODUCT_LABEL])]
    seen = []
    for key in dict.fromkeys(keys):
        values = Counter(_labels(node)[key] for node in nodes if key in _labels(node))
        seen.append(f"{key}: {_few([f'{value} ({count})' for value, count in values.most_common()]) or 'none'}")
    return f"seen on {len(nodes)} nodes: {'; '.join(seen)}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
