"""The user's interface: one frozen model a configuration group.

The keys of ``Pulumi.<stack>.yaml`` are the camel-case spellings of these fields. Every field says what it
is for; an example stands where a default cannot, and is what a fault's mend proposes. The reference in
``docs/configuration.md`` is made from here.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from infra.config.endpoints import Endpoint
from infra.config.expectations import Expectation
from infra.config.group import Group
from infra.config.node_pools import NodePool
from infra.config.peers import Destination, ProxyUrl
from infra.config.serving import Resources, Serving
from infra.config.sources import Source, default_preprocessing
from infra.config.storages import Storage
from infra.config.text import (
    DeclaredPreprocessing,
    DnsLabel,
    FilePath,
    Filled,
    ModelName,
    PlanId,
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
    releases_namespace: DnsLabel = Field(
        default="densenet-triton-releases",
        description="Namespace of the stack's leases and proven releases, which outlive the stack's own. The default"
        " one is made where it is missing; any other is there already.",
    )
    registry: Filled = Field(
        default="localhost",
        description="Registry of the project's own images; `localhost` means loaded into the node.",
    )
    create_namespace: bool = Field(
        default=True,
        description="Whether the namespace is the stack's to make and to remove. `false` for one that others made: it"
        " and its labels are left alone.",
        examples=[False],
    )
    network_policies: bool = Field(
        default=True,
        description="Whether NetworkPolicies stand around the stack's pods: into Triton come those alone whom"
        " endpoint.admit names, out of it nothing. `false` for a cluster that does not enforce them.",
        examples=[False],
    )
    api_server: tuple[Destination, ...] = Field(
        default=(),
        description="Where pods find the API server, which the build reports to: what `kubectl get endpointslices"
        " kubernetes --namespace=default` lists. Without it a NetworkPolicy lets the build reach ports 443 and 6443 of"
        " any address.",
        examples=[[{"cidr": "10.210.0.1/32", "port": 6443}]],
    )
    build_egress: tuple[Destination, ...] = Field(
        default=(),
        description="Where a NetworkPolicy lets the build go beside: a source on an internal address, say. The"
        " ports of the URLs that it fetches are open to all addresses but internal ones.",
        examples=[[{"cidr": "10.0.0.5/32", "port": 443}]],
    )
    build_proxy: ProxyUrl | None = Field(
        default=None,
        description="Proxy by which the build fetches the source and pictures that have a URL. One that is named by its"
        " address may be internal; of one with a name cluster.buildEgress says the addresses.",
        examples=["http://10.0.0.7:3128"],
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


class BatchProfile(Group):
    """Batches that a plan serves, from 1 to the largest; it is fastest at the typical one."""

    typical: int = Field(default=8, ge=1, description="Batch that the plan is tuned for.")
    largest: int = Field(default=64, ge=1, description="Largest batch.")


BUILDERS = {"onnxruntime": "model-build", "tensorrt": "model-build-tensorrt"}
"""The build's image by target: folders of `images/`."""


class Model(Group):
    """The model, from its source to what it must answer."""

    name: ModelName = Field(description="Name that clients ask for.", examples=["efficientnet_lite0"])
    source: Source = Field(
        description="Where the model comes from.", examples=[{"kind": "package", "name": "efficientnet-lite0"}]
    )
    preprocessing: DeclaredPreprocessing | None = Field(
        default=None,
        description="How a picture becomes the model's input: `imagenet`, `inception`, `caffe`, or an object with"
        " `resize`, `crop`, `scale`, `mean`, `std`, `channels`. Without it a package's own, else `imagenet`.",
        examples=["imagenet"],
    )
    target: Literal["onnxruntime", "tensorrt"] = Field(
        default="onnxruntime",
        description="What executes it: ONNX Runtime in Triton's python backend, on CPU; or a TensorRT plan, on GPU.",
    )
    precision: Literal["fp32", "tf32", "fp16"] = Field(
        default="fp32",
        description="Precision of the plan. With target tensorrt alone: tf32, whose products have 10 bits of mantissa;"
        " fp16, TensorRT 10.0 and newer.",
    )
    max_batch_size: int = Field(
        default=0, ge=0, description="0: one image a request, no batch dimension. N: batches of up to N."
    )
    batch_profile: BatchProfile = Field(
        default=BatchProfile(), description="Batches that a TensorRT plan is built for, from 1."
    )
    workspace_mib: int = Field(
        default=4096, ge=16, description="Scratch memory that TensorRT may use on the GPU, in MiB."
    )
    instances: int = Field(
        default=1, ge=1, le=16, description="Copies of a TensorRT plan that Triton runs at once on each GPU."
    )
    labels: FilePath = Field(
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
    build_image: Filled | None = Field(
        default=None,
        description="Image of the build: a folder of `images/`, or a full reference. Without it `model-build`, and"
        " `model-build-tensorrt` for target tensorrt.",
        examples=["model-build"],
    )
    build_resources: Resources = Field(
        default=Resources.model_validate({"cpu": "500m", "memory": "1536Mi", "memoryLimit": "4Gi"}),
        description="What the build asks of its node.",
    )
    build_timeout_s: int = Field(
        default=900,
        ge=30,
        description="Longest time of the build, its node and image included, in seconds; above"
        " serving.placementTimeoutS.",
    )

    @property
    def builder(self) -> str:
        """The build's image, as named or by default."""
        return self.build_image or BUILDERS[self.target]

    @property
    def declared_preprocessing(self) -> str | Mapping[str, Any]:
        """The preprocessing, as named or by default."""
        return default_preprocessing(self.source) if self.preprocessing is None else self.preprocessing


class Gate(Group):
    """What `make gate` does around a deployment; nothing of it reaches the cluster."""

    pause_s: int = Field(
        default=60,
        ge=0,
        le=3600,
        description="Pause before the smoke tests run once more, to catch what dies a minute later.",
    )
    keep_releases: int = Field(
        default=5, ge=1, description="Proven releases that are kept to go back to; older ones and their plans go."
    )


class ClusterGroup(Group):
    """What every verb needs to know of a stack's file."""

    cluster: Cluster = Field(description="The cluster and the place in it.")


class Groups(ClusterGroup):
    """The groups of a stack's file."""

    node_pool: NodePool = Field(description="The nodes that the stack runs on.")
    storage: Storage = Field(description="Where sources and model repositories lie.")
    model: Model = Field(description="The model, from its source to what it must answer.")
    serving: Serving = Field(description="Triton's pods.")
    endpoint: Endpoint = Field(
        description="The way in.",
        examples=[{"gatewayClass": "traefik", "port": 8800, "admit": [{"cidr": "10.210.0.254/32"}]}],
    )
    gate: Gate = Field(default=Gate(), description="What `make gate` does around a deployment.")
