"""The user's interface: one frozen model a configuration group.

The keys of ``Pulumi.<stack>.yaml`` are the camel-case spellings of these fields. Every field says what it
is for; an example stands where a default cannot, and is what a fault's mend proposes. The reference in
``docs/configuration.md`` is made from here.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from infra.config.group import NEEDS_MORE, Group
from infra.config.sources import Source
from infra.config.text import (
    AbsolutePath,
    DnsLabel,
    DnsName,
    Filled,
    ModelName,
    PlanId,
    Quantity,
)
from infra.images import REPOSITORY

LOCAL_CLUSTER = "embedded"
"""The local cluster's default name; every context ``embedded-<something>`` is a local cluster too."""


def is_local(context: str) -> bool:
    """Whether a kubeconfig context means a local cluster, one that this project starts."""
    return context == LOCAL_CLUSTER or context.startswith(f"{LOCAL_CLUSTER}-")


class Cluster(Group):
    """The cluster and the place in it."""

    context: Filled = Field(
        description="Context of the kubeconfig; `embedded` and `embedded-…` are local clusters.",
        examples=["embedded"],
    )
    namespace: DnsLabel = Field(
        description="Namespace of the stack, its own; also the URL's path prefix.", examples=["triton-dev"]
    )
    kubeconfig: Path | None = Field(
        default=None,
        description="Kubeconfig file. Without it: the variable KUBECONFIG, then ~/.kube/config.",
        examples=["/var/lib/densenet-triton/embedded/kubeconfig"],
    )
    registry: Filled = Field(
        default="localhost",
        description="Registry of the project's own images; `localhost` means loaded into the node.",
    )

    @property
    def kubeconfig_path(self) -> Path | None:
        """The kubeconfig, absolute: `~` is the home folder, and other relative paths begin at the repository's root."""
        if self.kubeconfig is None:
            return None
        return REPOSITORY / os.path.expanduser(self.kubeconfig)  # noqa: PTH111 - Path's raises where there is no such user

    @property
    def local_name(self) -> str | None:
        """Name of the local cluster that the context means, or None for a cluster elsewhere."""
        return self.context if is_local(self.context) else None


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
    tolerations: tuple[Toleration, ...] = Field(default=(), description="Taints that the build and Triton tolerate.")
    gpu_product: Filled | None = Field(
        default=None, description="GPU product that the plan is for, part of the plan id.", examples=["H800"]
    )


class HostPathStorage(Group):
    """A folder of one node."""

    kind: Literal["hostPath"] = Field(description="A folder of one node.", examples=["hostPath"])
    path: AbsolutePath = Field(
        description="The folder; it exists and belongs to 1000:1000.",
        examples=["/var/lib/densenet-triton/embedded/storage"],
    )
    node: DnsName = Field(
        description="Name of the node that has the folder; every pod of the stack runs there.",
        examples=["embedded"],
    )


class ClaimStorage(Group):
    """A volume from a storage class, or one that was provisioned beforehand."""

    kind: Literal["claim"] = Field(description="A persistent volume claim.", examples=["claim"])
    storage_class: DnsName | None = Field(
        default=None, description="Storage class; without it the cluster's default.", examples=["efs"]
    )
    volume: DnsName | None = Field(
        default=None,
        description="Name of an existing PersistentVolume to bind, instead of a new one from the class.",
    )
    size_gib: int = Field(default=20, ge=1, description="Size that is claimed, in GiB.")
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        default="ReadWriteMany",
        description="ReadWriteMany where pods run on several nodes; ReadWriteOnce binds them to one.",
    )


class NfsStorage(Group):
    """An export of an NFS server."""

    kind: Literal["nfs"] = Field(description="An export of an NFS server.", examples=["nfs"])
    server: DnsName = Field(description="Name or address of the server.", examples=["nfs.example.org"])
    path: AbsolutePath = Field(
        description="The exported folder; it belongs to 1000:1000.", examples=["/exports/models"]
    )
    mount_options: tuple[Filled, ...] = Field(
        default=(), description="Mount options, such as `nfsvers=4.1`.", examples=[["nfsvers=4.1"]]
    )


Storage = Annotated[HostPathStorage | ClaimStorage | NfsStorage, Field(discriminator="kind")]


class Expectation(Group):
    """What the answer must be; never taken from the model under test."""

    image: Path = Field(
        description="The picture that is asked about, at most 1 MiB; relative to the repository root.",
        examples=["smoke_tests/data/mug.png"],
    )
    class_: int = Field(ge=0, alias="class", description="Index of the class that must come first.", examples=[504])
    label: Filled | None = Field(
        default=None, description="That class's label; checked against the labels file.", examples=["COFFEE MUG"]
    )


class Resources(Group):
    """What a container asks of its node."""

    cpu: Quantity = Field(default="250m", description="CPU that is reserved; there is no upper limit.")
    memory: Quantity = Field(default="1Gi", description="Memory that is reserved.")
    memory_limit: Quantity = Field(default="2Gi", description="Memory at which the container is ended.")


class Model(Group):
    """The model, from its source to what it must answer."""

    name: ModelName = Field(description="Name that clients ask for.", examples=["densenet_tensorrt"])
    source: Source = Field(description="Where the model comes from.", examples=[{"kind": "fixture"}])
    target: Literal["onnxruntime"] = Field(
        default="onnxruntime", description="What executes it: ONNX Runtime in Triton's python backend, on CPU."
    )
    precision: Literal["fp32"] = Field(default="fp32", description="Precision of the plan.")
    max_batch_size: int = Field(
        default=0, ge=0, description="0: one image a request, no batch dimension. N: batches of up to N."
    )
    labels: Path = Field(
        default=Path("infra/data/imagenet_labels.txt"),
        description="Labels file, one a line, in the order of the scores; relative to the repository root.",
    )
    expect: Expectation = Field(
        description="The answer that proves the model.",
        examples=[{"image": "smoke_tests/data/mug.png", "class": 504}],
    )
    plan: PlanId | None = Field(
        default=None, description="Pins a published plan and skips the build.", examples=["0123456789abcdef"]
    )
    build_image: Filled = Field(
        default="model-build",
        description="Image of the build: a folder of `images/`, or a full reference.",
    )
    build_resources: Resources = Field(
        default=Resources.model_validate({"cpu": "500m", "memory": "1536Mi", "memoryLimit": "4Gi"}),
        description="What the build asks of its node.",
    )
    build_timeout_s: int = Field(default=900, ge=30, description="Longest time of the build, in seconds.")


class Shutdown(Group):
    """How a pod leaves: first out of the Service, then Triton, then the hard end. Seconds."""

    pre_stop_s: int = Field(default=10, ge=1, description="Wait for the gateway to forget the pod.")
    exit_timeout_s: int = Field(default=30, ge=1, description="Time that Triton gives requests in flight.")
    grace_s: int = Field(default=75, ge=1, description="After this time the pod is killed.")

    @model_validator(mode="after")
    def _grace_covers_the_rest(self) -> Self:
        needed_s = self.pre_stop_s + self.exit_timeout_s
        if self.grace_s <= needed_s:
            values = {"key": "graceS", "is": self.grace_s, "needed_s": needed_s, "mend": 2 * needed_s}
            raise PydanticCustomError(NEEDS_MORE, "above preStopS + exitTimeoutS = {needed_s}", values)
        return self


class Serving(Group):
    """Triton's pods."""

    image: Filled = Field(
        description="Image of Triton: a folder of `images/`, or a full reference.", examples=["triton-cpu"]
    )
    replicas: int = Field(default=1, ge=1, description="Number of pods.")
    gpus_per_replica: Literal[0] = Field(default=0, description="GPUs a pod; 0 serves on CPU.")
    http_port: int = Field(default=8080, ge=1024, le=65535, description="Port of Triton in the pod.")
    image_pull_secrets: tuple[DnsName, ...] = Field(
        default=(),
        description="Secrets that pull the images. Create the namespace and them before the first `pulumi up`,"
        " which adopts the namespace.",
        examples=[["registry"]],
    )
    resources: Resources = Field(default=Resources(), description="What a pod asks of its node.")
    startup_timeout_s: int = Field(
        default=120, ge=10, description="Longest time from a container's start to its proven answer."
    )
    rollout_timeout_s: int = Field(
        default=300, ge=20, description="Longest time for all pods to be replaced; above startupTimeoutS."
    )
    shutdown: Shutdown = Field(default=Shutdown(), description="How a pod leaves.")

    @model_validator(mode="after")
    def _rollout_covers_a_start(self) -> Self:
        needed_s = self.startup_timeout_s
        if self.rollout_timeout_s <= needed_s:
            values = {
                "key": "rolloutTimeoutS",
                "is": self.rollout_timeout_s,
                "needed_s": needed_s,
                "mend": 2 * needed_s,
            }
            raise PydanticCustomError(NEEDS_MORE, "above startupTimeoutS = {needed_s}", values)
        return self


class Endpoint(Group):
    """The way in."""

    gateway_class: DnsName = Field(description="Gateway class of the cluster.", examples=["traefik"])
    port: int = Field(
        default=80,
        ge=1,
        le=65535,
        description="Port of the gateway's HTTP listener; 8800 on the cluster `embedded`.",
        examples=[8800],
    )
    hostname: DnsName | None = Field(
        default=None,
        description="Host name of the URL. Without it: the gateway's address and the path /<namespace>.",
    )
    max_body_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Largest request body; above it the gateway answers 413. Enforced by class `traefik`.",
        examples=[16777216],
    )


class ClusterGroup(Group):
    """What every verb needs to know of a stack's file."""

    cluster: Cluster = Field(description="The cluster and the place in it.")


class Groups(ClusterGroup):
    """The groups of a stack's file."""

    node_pool: ExistingNodePool = Field(description="The nodes that the stack runs on.")
    storage: Storage = Field(description="Where sources and model repositories lie.")
    model: Model = Field(description="The model, from its source to what it must answer.")
    serving: Serving = Field(description="Triton's pods.")
    endpoint: Endpoint = Field(description="The way in.", examples=[{"gatewayClass": "traefik", "port": 8800}])
