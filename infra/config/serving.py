"""Triton's pods: the configuration's ``serving``."""

from pydantic import Field

from infra.config.group import Group
from infra.config.pods import Annotations, Environment, ExtraArguments, Labels
from infra.config.text import Bytes, DnsName, Filled, Quantity, TritonRelease


class Resources(Group):
    """What a container asks of its node."""

    cpu: Quantity = Field(default="250m", description="CPU that is reserved.")
    cpu_limit: Quantity | None = Field(
        default=None,
        description="CPU at which the container is slowed down, where the namespace's quota asks for a limit. Best left"
        " out.",
        examples=["2"],
    )
    memory: Bytes = Field(default="1Gi", description="Memory that is reserved.")
    memory_limit: Bytes = Field(default="2Gi", description="Memory at which the container is ended.")


class Shutdown(Group):
    """How a pod leaves: first out of the Service, then Triton, then the hard end. Seconds."""

    pre_stop_s: int = Field(default=10, ge=1, description="Wait for the gateway to forget the pod.")
    exit_timeout_s: int = Field(default=30, ge=1, description="Time that Triton gives requests in flight.")
    grace_s: int = Field(
        default=75, ge=1, description="After this time the pod is killed; above preStopS + exitTimeoutS."
    )


class Serving(Group):
    """Triton's pods."""

    image: Filled = Field(
        description="Image of Triton: a folder of `images/`, or a full reference.", examples=["triton-cpu"]
    )
    replicas: int = Field(default=1, ge=1, description="Number of pods.")
    gpus_per_replica: int = Field(default=0, ge=0, le=16, description="GPUs a pod; 0 serves on CPU.")
    runtime_class: DnsName | None = Field(
        default=None,
        description="Runtime class of pods with a GPU, where the nodes' default runtime does not give them one.",
        examples=["nvidia"],
    )
    accept_vulnerable_release: TritonRelease | None = Field(
        default=None,
        description="Triton release of `image` that may be served although vulnerabilities of it are known.",
        examples=["24.01"],
    )
    http_port: int = Field(default=8080, ge=1024, le=65535, description="Port of Triton in the pod.")
    image_pull_secrets: tuple[DnsName, ...] = Field(
        default=(),
        description="Secrets in the namespace that pull the images. They are there before the first `make up`: in a"
        " namespace that others made, or in the stack's own, made beforehand by `kubectl create namespace NAME` and"
        " `kubectl annotate namespace NAME densenet-triton/stack=STACK`.",
        examples=[["registry"]],
    )
    resources: Resources = Field(default=Resources(), description="What a pod asks of its node.")
    shared_memory_mib: int = Field(
        default=256, ge=1, description="Size of /dev/shm, in MiB, which counts as the pod's memory."
    )
    extra_arguments: ExtraArguments = Field(
        default=(), description="More of Triton's flags.", examples=[["--log-verbose=1"]]
    )
    environment: Environment = Field(
        default={},
        description="Environment variables of Triton. Whoever may read the Deployment sees them: no place for secrets.",
        examples=[{"CUDA_MODULE_LOADING": "LAZY"}],
    )
    labels: Labels = Field(
        default={}, description="More labels of the stack's pods, the build's too.", examples=[{"team": "vision"}]
    )
    annotations: Annotations = Field(
        default={},
        description="More annotations of the stack's pods, the build's too.",
        examples=[{"sidecar.istio.io/inject": "false"}],
    )
    priority_class: DnsName | None = Field(
        default=None, description="Priority class of the stack's pods, the build's too.", examples=["serving"]
    )
    placement_timeout_s: int = Field(
        default=120,
        ge=1,
        description="Longest time from a pod's creation to its container's start: a node, and the image on it.",
    )
    startup_timeout_s: int = Field(
        default=120, ge=10, description="Longest time from a container's start to its proven answer."
    )
    rollout_timeout_s: int = Field(
        default=400,
        ge=20,
        description="Longest time for one pod to be replaced; above placementTimeoutS + startupTimeoutS, and graceS"
        " where its GPU must be free first. Pulumi waits as long for each replica.",
    )
    shutdown: Shutdown = Field(default=Shutdown(), description="How a pod leaves.")
