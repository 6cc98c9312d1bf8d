"""One pod of Triton: its command line, its probes, its volumes and its end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.components.node_pool import container_resources
from infra.components.proof import EXPECTED_FILE, LABELS_FILE, items
from infra.components.security import container_security, pod_security
from infra.config.triton_releases import limits_its_input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from contract.expectation import Expectation
    from infra.components.node_pool import Placement
    from infra.config.serving import Serving

REPOSITORY_MOUNT = "/mnt/model"
PROOF_MOUNT = "/proof"

_RESTRICTED_APIS = "shared-memory,model-repository,statistics,trace,logging"
_STARTUP_PERIOD_S = 2
_PROOF_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a pod must answer before it gets traffic.

    Attributes:
        model: name that clients ask for.
        max_batch_size: 0 for one image without a batch dimension.
        gpu_product: that the plan was built for, or None on CPU.
        pictures: each expected picture's SHA-256, and what it must be called; one or more.
    """

    model: str
    max_batch_size: int
    gpu_product: str | None
    pictures: Sequence[tuple[str, Expectation]]

    def document(self, plan_id: str, manifest_sha256: str) -> dict[str, object]:
        """The expectation as the pod's scripts read it.

        Args:
            plan_id: of the repository that the pod mounts.
            manifest_sha256: digest of the manifest that lies in it.
        """
        return {
            "planId": plan_id,
            "manifestSha256": manifest_sha256,
            "model": self.model,
            "maxBatchSize": self.max_batch_size,
            "gpuProduct": self.gpu_product,
            "labelsFile": f"{PROOF_MOUNT}/{LABELS_FILE}",
            "pictures": [{"sha256": sha256, **expectation.document()} for sha256, expectation in self.pictures],
        }


@dataclass(frozen=True, kw_only=True)
class TritonPod:
    """What a pod is made of; the attributes are those of `infra.components.triton.TritonArgs`.

    Attributes:
        account: service account, without a token.
        proof: ConfigMap with the scripts, the expectation and the labels.
    """

    plan_id: str
    model: str
    image: str
    serving: Serving
    placement: Placement
    largest_body_bytes: int | None
    account: pulumi.Input[str]
    claim_name: pulumi.Input[str]
    proof: pulumi.Input[str]


def pod_spec(pod: TritonPod, labels: Mapping[str, str]) -> core.PodSpecArgs:
    """The pod: verified before it starts, proven before it is Ready."""
    return core.PodSpecArgs(
        service_account_name=pod.account,
        automount_service_account_token=False,
        enable_service_links=False,
        security_context=pod_security(),
        # Nothing empty: the provider leaves that out, but not yet in a plan, where a name is still unknown.
        image_pull_secrets=[core.LocalObjectReferenceArgs(name=secret) for secret in pod.serving.image_pull_secrets]
        or None,
        runtime_class_name=pod.serving.runtime_class,
        priority_class_name=pod.serving.priority_class,
        node_selector=dict(pod.placement.node_selector) or None,
        tolerations=pod.placement.tolerations or None,
        affinity=pod.placement.affinity,
        topology_spread_constraints=[_spread(labels)],
        termination_grace_period_seconds=pod.serving.shutdown.grace_s,
        init_containers=[_verify_container(pod)],
        containers=[_triton_container(pod)],
        volumes=_volumes(pod),
    )


def triton_arguments(serving: Serving, largest_body_bytes: int | None = None) -> list[str]:
    """Triton's command line after the program: the quick start's own, then what makes it fit to serve.

    The APIs that change a server are restricted to a header with the pod's own UID, which nobody is told.

    Args:
        serving: the configuration group.
        largest_body_bytes: of a request that is routed, if there is a limit.
    """
    limited = largest_body_bytes is not None and limits_its_input(serving.image)
    return [
        f"--model-repository={REPOSITORY_MOUNT}",
        f"--http-port={serving.http_port}",
        "--allow-grpc=false",
        "--allow-metrics=false",
        "--model-control-mode=none",
        "--exit-on-error=true",
        "--strict-readiness=true",
        "--disable-auto-complete-config",
        f"--exit-timeout-secs={serving.shutdown.exit_timeout_s}",
        f"--http-restricted-api={_RESTRICTED_APIS}:restricted=$(POD_UID)",
        *([f"--http-max-input-size={largest_body_bytes}"] if limited else []),
        *serving.extra_arguments,
    ]


def _triton_container(pod: TritonPod) -> core.ContainerArgs:
    serving = pod.serving
    return core.ContainerArgs(
        name="triton",
        image=pod.image,
        command=["tritonserver"],
        args=triton_arguments(serving, pod.largest_body_bytes),
        env=[
            core.EnvVarArgs(
                name="POD_UID",
                value_from=core.EnvVarSourceArgs(field_ref=core.ObjectFieldSelectorArgs(field_path="metadata.uid")),
            ),
            *(core.EnvVarArgs(name=name, value=value) for name, value in serving.environment.items()),
        ],
        ports=[core.ContainerPortArgs(name="http", container_port=serving.http_port)],
        resources=_resources(serving),
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        startup_probe=_startup_probe(serving),
        liveness_probe=_http_probe("/v2/health/live", period_s=10, timeout_s=5, failures=6),
        readiness_probe=_http_probe(f"/v2/models/{pod.model}/ready", period_s=5, timeout_s=5, failures=2),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=serving.shutdown.pre_stop_s))
        ),
        volume_mounts=[
            *_read_only_mounts(pod.plan_id),
            core.VolumeMountArgs(name="shared-memory", mount_path="/dev/shm"),  # noqa: S108 - the pod's own
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - the pod's own
        ],
    )


def _verify_container(pod: TritonPod) -> core.ContainerArgs:
    """Compares the mounted repository with its manifest, in the serving image."""
    return core.ContainerArgs(
        name="verify",
        image=pod.image,
        command=["python3", f"{PROOF_MOUNT}/verify_repository.py"],
        args=["--repository", REPOSITORY_MOUNT, "--expected", f"{PROOF_MOUNT}/{EXPECTED_FILE}"],
        resources=_resources(pod.serving),
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=_read_only_mounts(pod.plan_id),
    )


def _startup_probe(serving: Serving) -> core.ProbeArgs:
    """Posts the expected pictures to the pod's own Triton until the answers are right."""
    command = ["python3", f"{PROOF_MOUNT}/prove_answer.py"]
    arguments = ["--port", str(serving.http_port), "--repository", REPOSITORY_MOUNT]
    return core.ProbeArgs(
        exec_=core.ExecActionArgs(command=[*command, *arguments, "--expected", f"{PROOF_MOUNT}/{EXPECTED_FILE}"]),
        period_seconds=_STARTUP_PERIOD_S,
        timeout_seconds=_PROOF_TIMEOUT_S,
        failure_threshold=math.ceil(serving.startup_timeout_s / _STARTUP_PERIOD_S),
    )


def _http_probe(path: str, *, period_s: int, timeout_s: int, failures: int) -> core.ProbeArgs:
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path=path, port="http"),
        period_seconds=period_s,
        timeout_seconds=timeout_s,
        failure_threshold=failures,
    )


def _resources(serving: Serving) -> core.ResourceRequirementsArgs:
    return container_resources(serving.resources, gpus=serving.gpus_per_replica)


def _read_only_mounts(plan_id: str) -> list[core.VolumeMountArgs]:
    return [
        core.VolumeMountArgs(
            name="storage", mount_path=REPOSITORY_MOUNT, sub_path=f"repositories/{plan_id}", read_only=True
        ),
        core.VolumeMountArgs(name="proof", mount_path=PROOF_MOUNT, read_only=True),
    ]


def _spread(labels: Mapping[str, str]) -> core.TopologySpreadConstraintArgs:
    """Replicas of one rollout prefer different nodes."""
    return core.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key="kubernetes.io/hostname",
        when_unsatisfiable="ScheduleAnyway",
        label_selector=meta.LabelSelectorArgs(match_labels=dict(labels)),
        match_label_keys=["pod-template-hash"],
    )


def _volumes(pod: TritonPod) -> list[core.VolumeArgs]:
    """The claim is itself read-only: on a writable one kubelet creates a missing folder, empty."""
    return [
        core.VolumeArgs(
            name="storage",
            persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(
                claim_name=pod.claim_name, read_only=True
            ),
        ),
        core.VolumeArgs(name="proof", config_map=core.ConfigMapVolumeSourceArgs(name=pod.proof, items=items())),
        core.VolumeArgs(
            name="shared-memory",
            empty_dir=core.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=f"{pod.serving.shared_memory_mib}Mi"),
        ),
        core.VolumeArgs(name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs()),
    ]
