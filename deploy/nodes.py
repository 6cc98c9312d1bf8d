"""Whether the nodes that a stack declares are there, asked of the cluster before anything is created."""

import json

from contract.served import MANIFEST_FILE
from deploy.capacity import Capacity, Demand, capacity_of, faults_of, limit_faults
from deploy.cluster import Cluster
from deploy.errors import CapacityError, CommandFailedError, DeployError
from infra.config import HostPathStorage, KarpenterNodePool, StackConfig
from infra.config.node_pools import POOL_LABEL, tolerations_of
from infra.config.storages import claim_name
from infra.release import build_gpus, release_from_config

_NOT_THERE = ("(NotFound)", "doesn't have a resource type")


def require_nodes(config: StackConfig, cluster: Cluster) -> None:
    """See that a stack's pods will find their nodes.

    Raises:
        CapacityError: they would wait in vain; a line for each reason.
        DeployError: the cluster does not say.
    """
    pool = config.node_pool
    if isinstance(pool, KarpenterNodePool):
        _require_karpenter(config.stack, pool, cluster)
        demand = _demand(config, cluster, selector={POOL_LABEL: config.cluster.namespace})
        faults = limit_faults(_capacity(cluster, demand), demand, pool.gpu_limit)
    else:
        demand = _demand(config, cluster, selector=pool.selector | _node_of_storage(config))
        faults = faults_of(_capacity(cluster, demand), demand)
    if faults:
        raise CapacityError("\n".join(faults))


def _capacity(cluster: Cluster, demand: Demand) -> Capacity:
    """What the cluster has; on CPU no pod is asked for."""
    return capacity_of(cluster.nodes(), cluster.all_pods() if demand.gpus_per_replica else [], demand)


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


def _require_karpenter(stack: str, pool: KarpenterNodePool, cluster: Cluster) -> None:
    node_class = pool.node_class
    kind = f"{node_class.kind}.{node_class.group}"
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


def _require(cluster: Cluster, what: tuple[str, ...], missing: str, accepted: str) -> None:
    try:
        cluster.kubectl("get", *what, "--output=name")
    except CommandFailedError as error:
        if any(words in str(error) for words in _NOT_THERE):
            raise CapacityError(f"{missing} ({error}); accepted: {accepted}") from error
        raise DeployError(f"kubectl get {' '.join(what)} failed: {error}; mend that and run again") from error
