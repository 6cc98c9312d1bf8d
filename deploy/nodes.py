"""Whether the nodes that a stack declares are there, asked of the cluster before anything is created."""

from deploy.capacity import Demand, capacity_of, limit_faults, require_capacity
from deploy.cluster import Cluster
from deploy.errors import CapacityError, CommandFailedError
from infra.config import HostPathStorage, KarpenterNodePool, StackConfig
from infra.config.node_pools import tolerations_of
from infra.release import release_from_config

_POOL_LABEL = "karpenter.sh/nodepool"


def require_nodes(config: StackConfig, cluster: Cluster) -> None:
    """See that a stack's pods will find their nodes.

    Raises:
        CapacityError: they would wait in vain; a line for each reason.
    """
    pool = config.node_pool
    if isinstance(pool, KarpenterNodePool):
        _require_node_class(config.stack, pool, cluster)
        demand = _demand(config, cluster, selector={_POOL_LABEL: config.cluster.namespace})
        faults = limit_faults(capacity_of(cluster.nodes(), cluster.all_pods(), demand), demand, pool.gpu_limit)
        if faults:
            raise CapacityError("\n".join(faults))
    else:
        demand = _demand(config, cluster, selector=pool.selector | _node_of_storage(config))
        require_capacity(cluster.nodes(), cluster.all_pods() if demand.gpus_per_replica else [], demand)


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
        builds=serving.gpus_per_replica > 0 and not _is_built(config, cluster),
    )


def _node_of_storage(config: StackConfig) -> dict[str, str]:
    """The node that has the stack's folder, where it is one: every pod of the stack runs there."""
    storage = config.storage
    return {"kubernetes.io/hostname": storage.node} if isinstance(storage, HostPathStorage) else {}


def _is_built(config: StackConfig, cluster: Cluster) -> bool:
    """Whether the build of the stack's plan has succeeded here, so that no GPU is needed for it."""
    succeeded = cluster.kubectl(
        "get",
        "job",
        f"plan-{release_from_config(config).plan_id}",
        f"--namespace={config.cluster.namespace}",
        "--ignore-not-found",
        "--output=jsonpath={.status.succeeded}",
    )
    return succeeded.strip() == "1"


def _require_node_class(stack: str, pool: KarpenterNodePool, cluster: Cluster) -> None:
    node_class = pool.node_class
    kind = f"{node_class.kind}.{node_class.group}"
    try:
        cluster.kubectl("get", "nodepools.karpenter.sh", "--output=name")
        cluster.kubectl("get", kind, node_class.name, "--output=name")
    except CommandFailedError as error:
        raise CapacityError(
            f"nodePool.nodeClass: {kind} {node_class.name!r} is not there: {error}; accepted: a node class of a "
            f"Karpenter that runs in the cluster, as kubectl get {kind} lists them; correct it in Pulumi.{stack}.yaml"
        ) from error
