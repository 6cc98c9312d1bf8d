"""The nodes of a stack: the configuration's ``nodePool``, one group a kind."""

from typing import Annotated, Literal

from pydantic import Field

from infra.config.group import Group
from infra.config.text import DnsName, Duration, Filled, GpuProduct


class Toleration(Group):
    """A taint that the stack's pods tolerate."""

    key: Filled = Field(description="Key of the taint.", examples=["nvidia.com/gpu"])
    operator: Literal["Exists", "Equal"] = Field(default="Exists", description="How the value is compared.")
    value: str | None = Field(default=None, description="Value of the taint, with operator Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; without it every effect is tolerated."
    )


class ExistingNodePool(Group):
    """Nodes that the cluster has already."""

    kind: Literal["existing"] = Field(description="The nodes are there already.", examples=["existing"])
    selector: dict[str, str] = Field(
        default={},
        description="Labels that a node must carry; none means any node.",
        examples=[{"kubernetes.io/arch": "amd64"}],
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(),
        description="Taints that the build and Triton tolerate; pods with a GPU tolerate `nvidia.com/gpu` anyway.",
    )
    gpu_product: GpuProduct | None = Field(
        default=None,
        description="GPU that a TensorRT plan is built for and runs on: the nodes' label `nvidia.com/gpu.product`.",
        examples=["NVIDIA-H800"],
    )
    spare_gpus: int = Field(
        default=0,
        ge=0,
        description="GPUs that are free while all replicas serve. With one for each GPU of a replica an update starts"
        " a new pod before an old one ends.",
    )


class NodeClass(Group):
    """The cloud's half of a Karpenter node pool: an object that exists in the cluster."""

    group: DnsName = Field(description="API group of the node class.", examples=["karpenter.k8s.aws"])
    kind: Filled = Field(description="Its kind.", examples=["EC2NodeClass"])
    name: DnsName = Field(description="Its name.", examples=["gpu"])


class Requirement(Group):
    """What a node that Karpenter launches must be."""

    key: Filled = Field(description="A label that Karpenter knows.", examples=["node.kubernetes.io/instance-type"])
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = Field(
        default="In", description="How the values are compared."
    )
    values: tuple[str, ...] = Field(default=(), description="Values of the label.", examples=[["p5.48xlarge"]])


class KarpenterNodePool(Group):
    """Nodes that Karpenter launches when pods need them, from none, and removes when none does."""

    kind: Literal["karpenter"] = Field(description="Karpenter runs in the cluster.", examples=["karpenter"])
    node_class: NodeClass = Field(
        description="Node class of the cloud.",
        examples=[{"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"}],
    )
    requirements: tuple[Requirement, ...] = Field(
        default=(),
        description="What a node must be: instance types, zones, capacity type; none leaves the choice to Karpenter.",
    )
    gpu_product: GpuProduct = Field(
        description="GPU of those instances, as their label `nvidia.com/gpu.product` will say.",
        examples=["NVIDIA-H800"],
    )
    gpu_limit: int = Field(
        ge=1, description="GPUs that the pool may hold altogether; a node counts with all of its GPUs.", examples=[2]
    )
    spare_gpus: int = Field(
        default=0,
        ge=0,
        description="GPUs of the limit that stay free while all replicas serve. With one for each GPU of a replica an"
        " update starts a new pod before an old one ends.",
    )
    tolerations: tuple[Toleration, ...] = Field(
        default=(), description="Taints that the build and Triton tolerate beside the pool's own, `nvidia.com/gpu`."
    )
    consolidate_after: Duration = Field(default="10m", description="How long a node may be empty before it goes.")
    expire_after: Duration = Field(
        default="720h",
        description="Age at which a node takes no more pods and goes once its replicas have; `Never` keeps it.",
    )


GPU_RESOURCE = "nvidia.com/gpu"
"""What a pod asks for, as NVIDIA's device plugin names it; also the key of the taint that keeps other pods off."""

GPU_PRODUCT_LABEL = "nvidia.com/gpu.product"
POOL_LABEL = "karpenter.sh/nodepool"


def tolerations_of(pool: ExistingNodePool | KarpenterNodePool, *, has_gpu: bool) -> tuple[Toleration, ...]:
    """What a stack's pods tolerate: the taint of GPU nodes where they ask for GPUs, and what the user adds."""
    own = (Toleration(key=GPU_RESOURCE),) if has_gpu else ()
    return (*own, *pool.tolerations)


NodePool = Annotated[ExistingNodePool | KarpenterNodePool, Field(discriminator="kind")]
