"""Whether a cluster has the nodes and the GPUs that a stack declares, counted before anything is created."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy.before.gpus import (
    Node,
    gpus_of_node,
    gpus_of_pod,
    is_holding,
    labels_of,
    node_from_pods,
    refusal_of_node,
    role_of_pod,
)
from infra.config.node_pools import GPU_PRODUCT_LABEL, GPU_RESOURCE, Toleration

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
class Capacity:
    """What a cluster has for a stack.

    Attributes:
        nodes: those that match.
        refused: why each other node that carries the labels can't be used.
        labels_seen: the values that the cluster's nodes have of the labels that are looked for.
        holders: other pods that hold GPUs of the nodes, as namespace/name.
        pool_gpus: GPUs of all nodes with the selector's labels, whether they can be used or not.
        serving: GPUs that the stack's own Triton pods hold, on whichever node.
        room: GPUs that nodes may still come with, where the pool grows, once unusable nodes have gone.
        room_now: the same while they are still there.
    """

    nodes: tuple[Node, ...]
    refused: tuple[str, ...]
    labels_seen: str
    holders: tuple[str, ...]
    pool_gpus: int
    serving: int
    room: int = 0
    room_now: int = 0

    @property
    def gpus(self) -> int:
        """GPUs of the nodes."""
        return sum(node.gpus for node in self.nodes)

    @property
    def free_gpus(self) -> int:
        """GPUs that no pod holds."""
        return sum(node.free for node in self.nodes)


def capacity_of(nodes: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]], demand: Demand) -> Capacity:
    """Count what the cluster has for a stack.

    Args:
        nodes: all of the cluster, as the Kubernetes API gives them.
        pods: all of the cluster, likewise.
        demand: what the stack asks.
    """
    labelled = [node for node in nodes if demand.labels.items() <= labels_of(node).items()]
    refusals = {node["metadata"]["name"]: refusal_of_node(node, demand.tolerations) for node in labelled}
    usable = [node for node in labelled if refusals[node["metadata"]["name"]] is None]
    names = {node["metadata"]["name"] for node in usable}
    holding = [pod for pod in pods if pod["spec"].get("nodeName") and is_holding(pod)]
    here = [pod for pod in holding if pod["spec"]["nodeName"] in names]
    others = [pod["metadata"] for pod in here if role_of_pod(pod, demand.namespace) == "held"]
    return Capacity(
        nodes=tuple(node_from_pods(node, here, demand.namespace) for node in usable),
        refused=tuple(f"{name} ({reason})" for name, reason in refusals.items() if reason is not None),
        labels_seen=_labels_seen(nodes, demand),
        holders=tuple(f"{metadata['namespace']}/{metadata['name']}" for metadata in others),
        pool_gpus=sum(gpus_of_node(node) for node in nodes if demand.selector.items() <= labels_of(node).items()),
        serving=sum(gpus_of_pod(pod) for pod in holding if role_of_pod(pod, demand.namespace) == "serving"),
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
    grown = replace(capacity, room=max(0, gpu_limit - capacity.gpus), room_now=max(0, gpu_limit - capacity.pool_gpus))
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
    there = f"{capacity.gpus} on {_few([node.name for node in nodes]) or 'no node yet'}"
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
        most = max([capacity.room, *(node.for_serving for node in nodes)])
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
    serving, building = capacity.serving, sum(node.building for node in capacity.nodes)
    if demand.builds and serving and not building and capacity.free_gpus + capacity.room_now == 0:
        fewer = "make up with fewer serving.replicas before the change that needs a build, or "
        make = f"STACK={demand.stack}"
        yield (
            f"nodePool: the plan's build needs a GPU, and this stack's own serving holds every one that is left "
            f"({serving}); accepted: one free GPU; add one, or {fewer if demand.replicas > 1 else ''}"
            f"accept an outage: make destroy {make}, then make up {make}"
        )


def _labels_seen(nodes: Sequence[Mapping[str, Any]], demand: Demand) -> str:
    """The values of the labels that are looked for, and on how many nodes each is."""
    if not nodes:
        return "the cluster has no nodes"
    keys = [*demand.labels, *([] if demand.gpus_per_replica == 0 else [GPU_PRODUCT_LABEL])]
    seen = []
    for key in dict.fromkeys(keys):
        values = Counter(labels_of(node)[key] for node in nodes if key in labels_of(node))
        seen.append(f"{key}: {_few([f'{value} ({count})' for value, count in values.most_common()]) or 'none'}")
    return f"seen on {len(nodes)} nodes: {'; '.join(seen)}"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
