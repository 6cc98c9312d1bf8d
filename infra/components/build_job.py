"""The build's Job: what its pod is, and what of it may change without its being run again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.components.node_pool import KEEP_NODE, container_resources
from infra.components.security import container_security, pod_security
from infra.pods import PLAN_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.components.node_pool import Placement
    from infra.config.serving import Resources, Serving

_STORAGE_VOLUME = 1
_POD_KEYS = (
    *("affinity", "automountServiceAccountToken", "containers", "enableServiceLinks", "imagePullSecrets"),
    *("nodeSelector", "priorityClassName", "restartPolicy", "runtimeClassName", "securityContext"),
    *("serviceAccountName", "tolerations", "volumes[0]", f"volumes[{_STORAGE_VOLUME + 1}]"),
)
LEFT_ALONE = (
    *("spec.activeDeadlineSeconds", "spec.backoffLimit", "spec.podFailurePolicy", "spec.template.metadata"),
    *(f"spec.template.spec.{key}" for key in _POD_KEYS),
)
"""What may change of a Job that has published its plan without its being run again: everything but the storage that the
plan lies on. Whatever Pulumi makes or replaces, a Job that has not succeeded included, is made as it is declared."""


@dataclass(frozen=True, kw_only=True)
class PlanBuildArgs:
    """What is built, by what, and where.

    Attributes:
        namespace: of everything here.
        plan_id: names the Job, its report and the published repository.
        spec: the build's specification, a JSON object.
        source_url: where the source is fetched from, which may have a password or a signature in it; None where nothing
            is.
        labels: the labels file's text.
        pictures: the expected pictures' bytes by their SHA-256, but for those that the Job fetches itself.
        builder_image: has the ``model_build`` package.
        serving: the configuration group; the build's pod is pulled, labelled and ranked as those that serve.
        claim_name: claim on the storage, mounted for writing.
        placement: where the Job may run.
        gpus: that the build needs; 0 or 1.
        resources: what the Job asks of its node beside.
        timeout_s: longest time of the build.
        pulumi_timeout_s: how long Pulumi waits for it.
        proxy: by which it fetches what has a URL; None for no proxy.
        fence: NetworkPolicies, there before it starts; none where there are none.
    """

    namespace: pulumi.Input[str]
    plan_id: str
    spec: str
    source_url: str | None
    labels: str
    pictures: Mapping[str, bytes]
    builder_image: str
    serving: Serving
    claim_name: pulumi.Input[str]
    placement: Placement
    gpus: int
    resources: Resources
    timeout_s: int
    pulumi_timeout_s: int
    proxy: str | None
    fence: Sequence[pulumi.Resource]


def job_spec(args: PlanBuildArgs) -> batch.JobSpecArgs:
    """The Job's spec. It names the other objects by their texts: their replacement is not the Job's."""
    return batch.JobSpecArgs(
        active_deadline_seconds=args.timeout_s,
        backoff_limit=0,
        pod_failure_policy=batch.PodFailurePolicyArgs(rules=[_run_again_after_an_eviction()]),
        template=core.PodTemplateSpecArgs(
            metadata=meta.ObjectMetaArgs(
                labels={
                    **args.serving.labels,
                    "app.kubernetes.io/name": "plan-build",
                    PLAN_LABEL: args.plan_id,
                },
                annotations={**args.serving.annotations, **KEEP_NODE},
            ),
            spec=core.PodSpecArgs(
                restart_policy="Never",
                service_account_name=f"plan-{args.plan_id}",
                automount_service_account_token=True,
                enable_service_links=False,
                security_context=pod_security(),
                # Nothing empty: the provider leaves that out, but not yet in a plan, where a name is still unknown.
                image_pull_secrets=[
                    core.LocalObjectReferenceArgs(name=secret) for secret in args.serving.image_pull_secrets
                ]
                or None,
                runtime_class_name=args.serving.runtime_class,
                priority_class_name=args.serving.priority_class,
                node_selector=dict(args.placement.node_selector) or None,
                tolerations=args.placement.tolerations or None,
                affinity=args.placement.affinity,
                containers=[_build_container(args)],
                volumes=_volumes(args.claim_name, _input_sources(args)),
            ),
        ),
    )


def _run_again_after_an_eviction() -> batch.PodFailurePolicyRuleArgs:
    """A pod that its node lost does not count as a failed build."""
    return batch.PodFailurePolicyRuleArgs(
        action="Ignore",
        on_pod_conditions=[batch.PodFailurePolicyOnPodConditionsPatternArgs(type="DisruptionTarget", status="True")],
    )


def _build_container(args: PlanBuildArgs) -> core.ContainerArgs:
    return core.ContainerArgs(
        name="build",
        image=args.builder_image,
        command=["python3", "-m", "model_build"],
        args=["build", "--inputs", "/inputs", "--storage", "/storage", "--report", f"plan-{args.plan_id}"],
        env=_proxy_variables(args.proxy),
        resources=container_resources(args.resources, gpus=args.gpus),
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=[
            core.VolumeMountArgs(name="inputs", mount_path="/inputs", read_only=True),
            core.VolumeMountArgs(name="storage", mount_path="/storage"),
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - the container's own
        ],
    )


def _proxy_variables(proxy: str | None) -> list[core.EnvVarArgs] | None:
    """What makes Python fetch by a proxy, but for the API server, whose address Kubernetes puts in."""
    if proxy is None:
        return None
    variables = {"HTTPS_PROXY": proxy, "NO_PROXY": "$(KUBERNETES_SERVICE_HOST)"}
    return [core.EnvVarArgs(name=name, value=value) for name, value in variables.items()]


def _input_sources(args: PlanBuildArgs) -> list[core.VolumeProjectionArgs]:
    sources = [
        core.VolumeProjectionArgs(config_map=core.ConfigMapProjectionArgs(name=f"plan-{args.plan_id}-{part}"))
        for part in ("inputs", "image")
    ]
    if args.source_url is not None:
        secret = core.SecretProjectionArgs(name=f"plan-{args.plan_id}-source")
        sources.append(core.VolumeProjectionArgs(secret=secret))
    return sources


def _volumes(claim_name: pulumi.Input[str], sources: Sequence[core.VolumeProjectionArgs]) -> list[core.VolumeArgs]:
    """The Job's volumes; the storage's has its place, see `LEFT_ALONE`."""
    return [
        core.VolumeArgs(name="inputs", projected=core.ProjectedVolumeSourceArgs(sources=sources)),
        core.VolumeArgs(
            name="storage",
            persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim_name),
        ),
        core.VolumeArgs(name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs()),
    ]
