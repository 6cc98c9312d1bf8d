"""The build of the plan: a Job that publishes it on the storage, and the manifest that it reports."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.rbac import v1 as rbac

from infra.components.node_pool import KEEP_NODE, gpu_resources
from infra.components.security import container_security, pod_security
from infra.release import BUILD_DIGEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.components.node_pool import Placement
    from infra.config.groups import Resources

MANIFEST_KEY = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class PlanBuildArgs:
    """What is built, by what, and where.

    Attributes:
        namespace: of everything here.
        plan_id: names the Job, its report and the published repository.
        spec: the build's specification, a JSON object.
        labels: the labels file's text.
        pictures: the expected pictures' bytes by their SHA-256, but for those that the Job fetches itself.
        builder_image: has the ``model_build`` package.
        image_pull_secrets: names of secrets in the namespace.
        claim_name: claim on the storage, mounted for writing.
        placement: where the Job may run.
        runtime_class: of a pod with a GPU, or None for the nodes' default.
        gpus: that the build needs; 0 or 1.
        digest: of all that makes the Job, `infra.release.build_digest`; whoever looks at the Job can compare it.
        resources: what the Job asks of its node beside.
        timeout_s: longest time of the build.
        pulumi_timeout_s: how long Pulumi waits for it.
    """

    namespace: pulumi.Input[str]
    plan_id: str
    spec: str
    labels: str
    pictures: Mapping[str, bytes]
    builder_image: str
    image_pull_secrets: Sequence[str]
    claim_name: pulumi.Input[str]
    placement: Placement
    runtime_class: str | None
    gpus: int
    digest: str
    resources: Resources
    timeout_s: int
    pulumi_timeout_s: int


class PlanBuild(pulumi.ComponentResource):
    """A published plan.

    The Job is named by the plan, so nothing is built twice and a change builds beside what is serving. Its
    token may read and patch one ConfigMap, ``plan-<id>``, and nothing else; there it reports the manifest.
    A Job that failed is run again by the next ``pulumi up``.

    Attributes:
        job: to depend on; whoever does is not replaced together with it.
        manifest: what was published.
        manifest_sha256: of its text, which is the very content of the repository's file.
    """

    job: batch.Job
    manifest: pulumi.Output[dict[str, Any]]
    manifest_sha256: pulumi.Output[str]

    def __init__(self, name: str, args: PlanBuildArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:PlanBuild", name, None, opts)
        # A plan's objects serve its build alone. Removed after their successors, as is Pulumi's way, a failed update
        # would leave their removal to the next one, which may be the way back that has just made them again.
        child = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        plan = f"plan-{args.plan_id}"
        texts = core.ConfigMap(
            f"{name}-inputs",
            metadata=meta.ObjectMetaArgs(name=f"{plan}-inputs", namespace=args.namespace),
            data={"spec.json": args.spec, "labels.txt": args.labels},
            opts=child,
        )
        image = core.ConfigMap(
            f"{name}-image",
            metadata=meta.ObjectMetaArgs(name=f"{plan}-image", namespace=args.namespace),
            binary_data={sha256: base64.b64encode(data).decode("ascii") for sha256, data in args.pictures.items()},
            opts=child,
        )
        report = core.ConfigMap(
            f"{name}-report",
            metadata=meta.ObjectMetaArgs(name=plan, namespace=args.namespace),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, ignore_changes=["data"]),
        )
        account = _account_that_reports(name, plan, args.namespace, child)
        self.job = batch.Job(
            f"{name}-job",
            metadata=meta.ObjectMetaArgs(
                name=plan,
                namespace=args.namespace,
                annotations={"pulumi.com/replaceUnready": "true", BUILD_DIGEST: args.digest},
            ),
            spec=_job_spec(args, account=account[0].metadata.name, inputs=[texts, image]),
            opts=pulumi.ResourceOptions(
                parent=self,
                delete_before_replace=True,
                depends_on=[report, *account],
                custom_timeouts=pulumi.CustomTimeouts(create=f"{args.pulumi_timeout_s}s"),
            ),
        )
        text = self._reported_text(name, args.plan_id, report)
        self.manifest = text.apply(_manifest_from_text)
        self.manifest_sha256 = text.apply(lambda manifest: hashlib.sha256(manifest.encode()).hexdigest())
        self.register_outputs({"manifest": self.manifest})

    def _reported_text(self, name: str, plan_id: str, report: core.ConfigMap) -> pulumi.Output[str]:
        """The manifest's text as the Job has reported it.

        It is read once the Job is done. The Job's outputs are no part of it, though: where the Job runs again for a
        plan that is published, a preview knows what it will report, and whoever depends on the text is left alone.
        """
        reported = core.ConfigMap.get(
            f"{name}-manifest", report.id, pulumi.ResourceOptions(parent=self, depends_on=[self.job])
        )
        return reported.data.apply(lambda data: _text_from_data(data, plan_id))


def _account_that_reports(
    name: str, report: str, namespace: pulumi.Input[str], child: pulumi.ResourceOptions
) -> tuple[core.ServiceAccount, rbac.Role, rbac.RoleBinding]:
    """A service account that may read and patch one ConfigMap."""
    metadata = meta.ObjectMetaArgs(name=report, namespace=namespace)
    account = core.ServiceAccount(
        f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=child
    )
    role = rbac.Role(
        f"{name}-role",
        metadata=metadata,
        rules=[
            rbac.PolicyRuleArgs(
                api_groups=[""], resources=["configmaps"], resource_names=[report], verbs=["get", "patch"]
            )
        ],
        opts=child,
    )
    binding = rbac.RoleBinding(
        f"{name}-role-binding",
        metadata=metadata,
        role_ref=rbac.RoleRefArgs(
            api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name.apply(str)
        ),
        subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=report, namespace=namespace)],
        opts=child,
    )
    return account, role, binding


def _job_spec(
    args: PlanBuildArgs, *, account: pulumi.Input[str], inputs: Sequence[core.ConfigMap]
) -> batch.JobSpecArgs:
    """The Job's spec. It changes with its inputs, so that other inputs are another Job, pinned or not."""
    digest = hashlib.sha256("\0".join([args.spec, args.labels, *sorted(args.pictures)]).encode()).hexdigest()
    return batch.JobSpecArgs(
        active_deadline_seconds=args.timeout_s,
        backoff_limit=0,
        pod_failure_policy=batch.PodFailurePolicyArgs(rules=[_run_again_after_an_eviction()]),
        template=core.PodTemplateSpecArgs(
            metadata=meta.ObjectMetaArgs(
                labels={"app.kubernetes.io/name": "plan-build", "densenet-triton/plan": args.plan_id},
                annotations={"densenet-triton/inputs": digest, **KEEP_NODE},
            ),
            spec=core.PodSpecArgs(
                restart_policy="Never",
                service_account_name=account,
                automount_service_account_token=True,
                enable_service_links=False,
                security_context=pod_security(),
                image_pull_secrets=[core.LocalObjectReferenceArgs(name=secret) for secret in args.image_pull_secrets],
                runtime_class_name=args.runtime_class,
                node_selector=dict(args.placement.node_selector),
                tolerations=args.placement.tolerations,
                affinity=args.placement.affinity,
                containers=[_build_container(args)],
                volumes=_volumes(args.claim_name, inputs),
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
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": args.resources.cpu, "memory": args.resources.memory},
            limits={"memory": args.resources.memory_limit, **gpu_resources(args.gpus)},
        ),
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=[
            core.VolumeMountArgs(name="inputs", mount_path="/inputs", read_only=True),
            core.VolumeMountArgs(name="storage", mount_path="/storage"),
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - the container's own
        ],
    )


def _volumes(claim_name: pulumi.Input[str], inputs: Sequence[core.ConfigMap]) -> list[core.VolumeArgs]:
    sources = [
        core.VolumeProjectionArgs(config_map=core.ConfigMapProjectionArgs(name=config_map.metadata.name.apply(str)))
        for config_map in inputs
    ]
    return [
        core.VolumeArgs(name="inputs", projected=core.ProjectedVolumeSourceArgs(sources=sources)),
        core.VolumeArgs(
            name="storage",
            persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(claim_name=claim_name),
        ),
        core.VolumeArgs(name="tmp", empty_dir=core.EmptyDirVolumeSourceArgs()),
    ]


def _text_from_data(data: Mapping[str, str] | None, plan_id: str) -> str:
    """What the Job reported; a preview that finds nothing reported yet does not come here.

    Raises:
        RunError: the Job reported nothing; in one line.
    """
    text = (data or {}).get(MANIFEST_KEY)
    if not text:
        raise pulumi.RunError(
            f"Job plan-{plan_id} has succeeded and reported no manifest; accepted: {MANIFEST_KEY} in ConfigMap "
            f"plan-{plan_id}, where model_build puts it; look at the Job's log, and set model.buildImage to an image "
            "with this version's model_build"
        )
    return text


def _manifest_from_text(text: str) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(text)
    return manifest
