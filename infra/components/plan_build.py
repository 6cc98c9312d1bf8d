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

from contract.urls import SOURCE_URL_FILE
from infra.components.node_pool import KEEP_NODE, container_resources
from infra.components.security import container_security, pod_security

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.components.node_pool import Placement
    from infra.config.groups import Resources, Serving

MANIFEST_KEY = "manifest.json"

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


class PlanBuild(pulumi.ComponentResource):
    """A published plan.

    All is named by the plan, logically too: another plan is other resources, and the old one's go when everything else
    has succeeded, so that a way back finds them. The same plan's Job is left alone whatever else changes. Its token may
    read and patch one ConfigMap, ``plan-<id>``, and nothing else; there it reports the manifest. A Job that has not
    succeeded is replaced by the next ``pulumi up``, by what is declared then.

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
        objects = _Objects(component=self, name=name, args=args)
        inputs = objects.inputs()
        report = objects.report()
        self.job = batch.Job(
            objects.logical("job"),
            metadata=objects.metadata(annotations={"pulumi.com/replaceUnready": "true"}),
            spec=_job_spec(args, _input_sources(args)),
            opts=objects.options(
                "job",
                depends_on=[*inputs, report, *objects.account_that_reports()],
                ignore_changes=list(LEFT_ALONE),
                custom_timeouts=pulumi.CustomTimeouts(create=f"{args.pulumi_timeout_s}s"),
            ),
        )
        text = self._reported_text(objects.logical("manifest"), args.plan_id, report)
        self.manifest = text.apply(_manifest_from_text)
        self.manifest_sha256 = text.apply(lambda manifest: hashlib.sha256(manifest.encode()).hexdigest())
        self.register_outputs({"manifest": self.manifest})

    def _reported_text(self, name: str, plan_id: str, report: core.ConfigMap) -> pulumi.Output[str]:
        """The manifest's text as the Job has reported it.

        It is read once the Job is done. The Job's outputs are no part of it, though: where the Job runs again for a
        plan that is published, a preview knows what it will report, and whoever depends on the text is left alone.
        """
        reported = core.ConfigMap.get(name, report.id, pulumi.ResourceOptions(parent=self, depends_on=[self.job]))
        return reported.data.apply(lambda data: _text_from_data(data, plan_id))


@dataclass(frozen=True, kw_only=True)
class _Objects:
    """What the Job needs, and how each of a plan's objects is called.

    Attributes:
        component: the parent of all.
        name: its logical name.
        args: its own.
    """

    component: PlanBuild
    name: str
    args: PlanBuildArgs

    @property
    def plan(self) -> str:
        """Name of the plan's objects in the cluster."""
        return f"plan-{self.args.plan_id}"

    def logical(self, part: str) -> str:
        """A part's logical name."""
        return f"{self.name}-{self.args.plan_id}-{part}"

    def metadata(self, suffix: str = "", **more: Any) -> meta.ObjectMetaArgs:
        """An object's metadata."""
        return meta.ObjectMetaArgs(name=f"{self.plan}{suffix}", namespace=self.args.namespace, **more)

    def options(self, part: str, **more: Any) -> pulumi.ResourceOptions:
        """A part's options. Before, its logical name was without the plan's id; what it was is taken over by that.

        Its replacement has the same name, so that it must go first.
        """
        aliases = [pulumi.Alias(name=f"{self.name}-{part}")]
        return pulumi.ResourceOptions(parent=self.component, aliases=aliases, delete_before_replace=True, **more)

    def inputs(self) -> list[pulumi.Resource]:
        """What the build is told: in ConfigMaps, but for the source's URL."""
        args = self.args
        texts = core.ConfigMap(
            self.logical("inputs"),
            metadata=self.metadata("-inputs"),
            data={"spec.json": args.spec, "labels.txt": args.labels},
            opts=self.options("inputs"),
        )
        image = core.ConfigMap(
            self.logical("image"),
            metadata=self.metadata("-image"),
            binary_data={sha256: base64.b64encode(data).decode("ascii") for sha256, data in args.pictures.items()},
            opts=self.options("image"),
        )
        if args.source_url is None:
            return [texts, image]
        url = base64.b64encode(args.source_url.encode()).decode("ascii")
        source = core.Secret(
            self.logical("source"),
            metadata=self.metadata("-source"),
            data=pulumi.Output.secret({SOURCE_URL_FILE: url}),
            opts=self.options("source"),
        )
        return [texts, image, source]

    def report(self) -> core.ConfigMap:
        """The ConfigMap that the Job reports the manifest into."""
        return core.ConfigMap(
            self.logical("report"), metadata=self.metadata(), opts=self.options("report", ignore_changes=["data"])
        )

    def account_that_reports(self) -> tuple[core.ServiceAccount, rbac.Role, rbac.RoleBinding]:
        """A service account that may read and patch one ConfigMap."""
        account = core.ServiceAccount(
            self.logical("account"),
            metadata=self.metadata(),
            automount_service_account_token=False,
            opts=self.options("account"),
        )
        role = rbac.Role(
            self.logical("role"),
            metadata=self.metadata(),
            rules=[
                rbac.PolicyRuleArgs(
                    api_groups=[""], resources=["configmaps"], resource_names=[self.plan], verbs=["get", "patch"]
                )
            ],
            opts=self.options("role"),
        )
        binding = rbac.RoleBinding(
            self.logical("role-binding"),
            metadata=self.metadata(),
            role_ref=rbac.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name.apply(str)
            ),
            subjects=[rbac.SubjectArgs(kind="ServiceAccount", name=self.plan, namespace=self.args.namespace)],
            opts=self.options("role-binding"),
        )
        return account, role, binding


def _job_spec(args: PlanBuildArgs, inputs: Sequence[core.VolumeProjectionArgs]) -> batch.JobSpecArgs:
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
                    "densenet-triton/plan": args.plan_id,
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
        resources=container_resources(args.resources, gpus=args.gpus),
        security_context=container_security(),
        termination_message_policy="FallbackToLogsOnError",
        volume_mounts=[
            core.VolumeMountArgs(name="inputs", mount_path="/inputs", read_only=True),
            core.VolumeMountArgs(name="storage", mount_path="/storage"),
            core.VolumeMountArgs(name="tmp", mount_path="/tmp"),  # noqa: S108 - the container's own
        ],
    )


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
