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
from infra.components.build_job import LEFT_ALONE, job_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.components.build_job import PlanBuildArgs

MANIFEST_KEY = "manifest.json"


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
            spec=job_spec(args),
            opts=objects.options(
                "job",
                depends_on=[*inputs, report, *objects.account_that_reports(), *args.fence],
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
            data={SOURCE_URL_FILE: url},  # which the package keeps as a secret
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
