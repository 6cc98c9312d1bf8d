"""Whether the nodes that a stack declares are there, asked of the cluster before anything is created."""

import json
from typing import Any

from contract.served import MANIFEST_FILE
from deploy.before.capacity import Demand, capacity_of, faults_of, limit_faults
from deploy.cluster import Cluster
from deploy.errors import CapacityError, CommandFailedError, DeployError, ForbiddenError
from infra.config import HostPathStorage, KarpenterNodePool, StackConfig
from infra.config.node_pools import POOL_LABEL, tolerations_of
from infra.config.storages import claim_name
from infra.release import build_gpus, release_from_config

_NOT_THERE = ("(NotFound)", "doesn't have a resource type")


def require_nodes(config: StackConfig, cluster: Cluster) -> list[str]:
    """See that a stack's pods will find their nodes.

    Returns:
        What is unknown, in a line each: this user may not read it, so that it is neither a fault nor in order.

    Raises:
        CapacityError: they would wait in vain; a line for each reason.
        DeployError: the cluster does not say.
    """
    pool, unknown = config.node_pool, list[str]()
    if isinstance(pool, KarpenterNodePool):
        unknown += _require_karpenter(config.stack, pool, cluster)
        demand = _demand(config, cluster, selector={POOL_LABEL: config.cluster.namespace})
        limit = pool.gpu_limit
    else:
        demand = _demand(config, cluster, selector=pool.selector | _node_of_storage(config))
        limit = None
    try:
        nodes = cluster.nodes()
    except ForbiddenError:
        return [*unknown, _unknown("whether the nodes are there that nodePool means", "nodes", "cluster")]
    pods, unknown_pods = _pods(cluster, demand)
    capacity = capacity_of(nodes, pods, demand)
    faults = faults_of(capacity, demand) if limit is None else limit_faults(capacity, demand, limit)
    if faults:
        raise CapacityError("\n".join(faults))
    return [*unknown, *unknown_pods]


def _pods(cluster: Cluster, demand: Demand) -> tuple[list[dict[str, Any]], list[str]]:
    """The pods that may hold GPUs, none on CPU; where those of others can't be read, the stack's own, and a line."""
    if demand.gpus_per_replica == 0:
        return [], []
    try:
        return cluster.all_pods(), []
    except ForbiddenError:
        what = "which GPUs the pods of other namespaces hold"
        return cluster.pods(demand.namespace), [_unknown(what, "pods of all namespaces", "all-pods")]


def _unknown(what: str, unread: str, part: str) -> str:
    return f"unknown: {what}: this user may not read {unread} (docs/rbac.yaml, part {part}); going on"


def _demand(config: StackConfig, cluster: Cluster, *, selector: dict[str, str]) -> Demand:
    serving, pool = config.serving, config.node_pool
    return Demand(
        stack=config.stack,
        namespace=config.cluster.namespace,
        selector=selector,
        gpu_product=pool.gpu_product if serving.gpus_per_replica else None,
        tolerations=tolerations_of(pool, has_gpu=serving.gpus_per_replica > 0),
        replicas=serving.replicas,
        gpus_per_replica=serving.gpus_per_replica,
        spare_gpus=pool.spare_gpus,
        builds=build_gpus(config) > 0 and not _is_built(config, cluster),
    )


def _node_of_storage(config: StackConfig) -> dict[str, str]:
    """The node that has the stack's folder, where it is one: every pod of the stack runs there."""
    storage = config.storage
    return {"kubernetes.io/hostname": storage.node} if isinstance(storage, HostPathStorage) else {}


def _is_built(config: StackConfig, cluster: Cluster) -> bool:
    """Whether the plan's Job will not run again: it has succeeded on this storage, or has reported and was deleted."""
    name = f"plan-{release_from_config(config).plan_id}"
    query = (name, f"--namespace={config.cluster.namespace}", "--ignore-not-found", "--output=json")
    if not (found := cluster.kubectl("get", "job", *query).strip()):
        report = cluster.kubectl("get", "configmap", *query).strip()
        return MANIFEST_FILE in (json.loads(report).get("data") or {}) if report else False
    job = json.loads(found)
    volumes = job["spec"]["template"]["spec"]["volumes"]
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]
    return claims == [claim_name(config.storage)] and job.get("status", {}).get("succeeded") == 1


def _require_karpenter(stack: str, pool: KarpenterNodePool, cluster: Cluster) -> list[str]:
    """See that Karpenter and the node class are there; what is unknown of that is returned in a line."""
    node_class = pool.node_class
    kind = f"{node_class.kind}.{node_class.group}"
    try:
        _require(
            cluster,
            ("nodepools.karpenter.sh",),
            "nodePool.kind: is karpenter, and the cluster has no Karpenter",
            "install it, or use nodes that are there: kind existing",
        )
        _require(
            cluster,
            (kind, node_class.name),
            f"nodePool.nodeClass: {kind} {node_class.name!r} is not there",
            f"a node class that kubectl get {kind} lists; correct it in Pulumi.{stack}.yaml",
        )
    except ForbiddenError:
        what = f"whether Karpenter and its {node_class.kind} {node_class.name} are there"
        return [_unknown(what, "node pools and classes", "node-pools")]
    return []


def _require(cluster: Cluster, what: tuple[str, ...], missing: str, accepted: str) -> None:
    try:
        cluster.kubectl("get", *what, "--output=name")
    except ForbiddenError:
        raise
    except CommandFailedError as error:
        if any(words in str(error) for words in _NOT_THERE):
            raise CapacityError(f"{missing} ({error}); accepted: {accepted}") from error
        raise DeployError(f"kubectl get {' '.join(what)} failed: {error}; mend that and run again") from error
