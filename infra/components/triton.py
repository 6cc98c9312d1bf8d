"""Triton: the pods that serve the plan, and the Service in front of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.policy import v1 as policy

from infra.components import proof
from infra.components.node_pool import KEEP_NODE
from infra.components.triton_pod import Expected, TritonPod, pod_spec
from infra.config.gpu_rules import ACCEPTED_RELEASE
from infra.pods import PLAN_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.components.node_pool import Placement
    from infra.config.rollout import Rollout
    from infra.config.serving import Serving

_NAME = "triton"
_LABELS = {"app.kubernetes.io/name": _NAME}


@dataclass(frozen=True, kw_only=True)
class TritonArgs:
    """What is served, by what, and where.

    Attributes:
        namespace: of everything here.
        plan_id: the published repository.
        manifest_sha256: of its manifest, as the build reported it.
        expected: what the answers must be.
        labels: the labels file's text.
        image: Triton's.
        serving: the configuration group.
        claim_name: claim on the storage, mounted read-only.
        placement: where the pods may run.
        largest_body_bytes: of a request that is routed; None where there is no limit.
        rollout: how an update replaces them.
        pulumi_timeout_s: how long Pulumi waits for it.
        published_by: must have succeeded before a pod starts.
        fence: NetworkPolicies, there before that; none where there are none.
    """

    namespace: pulumi.Input[str]
    plan_id: str
    manifest_sha256: pulumi.Input[str]
    expected: Expected
    labels: str
    image: str
    serving: Serving
    claim_name: pulumi.Input[str]
    placement: Placement
    largest_body_bytes: int | None
    rollout: Rollout
    pulumi_timeout_s: int
    published_by: pulumi.Resource
    fence: Sequence[pulumi.Resource]


class Triton(pulumi.ComponentResource):
    """Pods that are Ready only when each has proven its own answer.

    Attributes:
        service_name: the Service in front of the pods.
        service_port: its port.
    """

    service_name: pulumi.Output[str]
    service_port: int

    def __init__(self, name: str, args: TritonArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:Triton", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = meta.ObjectMetaArgs(name=_NAME, namespace=args.namespace)
        account = core.ServiceAccount(
            f"{name}-account", metadata=metadata, automount_service_account_token=False, opts=child
        )
        given = _proof(name, args, child)
        pod = TritonPod(
            plan_id=args.plan_id,
            model=args.expected.model,
            image=args.image,
            serving=args.serving,
            placement=args.placement,
            largest_body_bytes=args.largest_body_bytes,
            account=account.metadata.name.apply(str),
            claim_name=args.claim_name,
            proof=given.metadata.name.apply(str),
        )
        _deployment(name, args, pod, self)
        service = _service(name, metadata, args.serving.http_port, child)
        policy.PodDisruptionBudget(
            f"{name}-disruption-budget",
            metadata=metadata,
            spec=policy.PodDisruptionBudgetSpecArgs(
                max_unavailable=1, selector=meta.LabelSelectorArgs(match_labels=_LABELS)
            ),
            opts=child,
        )
        self.service_name = service.metadata.name.apply(str)
        self.service_port = args.serving.http_port
        self.register_outputs({"serviceName": self.service_name, "servicePort": self.service_port})


def _proof(name: str, args: TritonArgs, child: pulumi.ResourceOptions) -> core.ConfigMap:
    """The scripts and the expectation, named by their content: pods that still run keep theirs.

    While a preview cannot know the manifest, nor can it know the expectation and the name.
    """
    data = {proof.key_of(path): text for path, text in proof.script_texts().items()}
    data[proof.LABELS_FILE] = args.labels
    expected = pulumi.Output.from_input(args.manifest_sha256).apply(
        lambda sha256: json.dumps(args.expected.document(args.plan_id, sha256), indent=2)
    )
    return core.ConfigMap(
        f"{name}-proof",
        metadata=meta.ObjectMetaArgs(
            name=expected.apply(
                lambda text: proof.name_from_data(f"{_NAME}-proof", {**data, proof.EXPECTED_FILE: text})
            ),
            namespace=args.namespace,
        ),
        data={**data, proof.EXPECTED_FILE: expected},
        immutable=True,
        opts=child,
    )


def _deployment(name: str, args: TritonArgs, pod: TritonPod, parent: pulumi.Resource) -> apps.Deployment:
    """The Deployment; it starts once the plan is published, and is awaited until every pod is proven."""
    template = core.PodTemplateSpecArgs(
        metadata=meta.ObjectMetaArgs(
            labels={**args.serving.labels, **_LABELS, PLAN_LABEL: args.plan_id},
            annotations={**args.serving.annotations, **KEEP_NODE},
        ),
        spec=pod_spec(pod, _LABELS),
    )
    accepted = args.serving.accept_vulnerable_release
    return apps.Deployment(
        f"{name}-deployment",
        metadata=meta.ObjectMetaArgs(
            name=_NAME, namespace=args.namespace, annotations={ACCEPTED_RELEASE: accepted} if accepted else None
        ),
        spec=apps.DeploymentSpecArgs(
            replicas=args.serving.replicas,
            progress_deadline_seconds=args.serving.rollout_timeout_s,
            revision_history_limit=1,
            selector=meta.LabelSelectorArgs(match_labels=_LABELS),
            strategy=_strategy(args.rollout),
            template=template,
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[args.published_by, *args.fence],
            custom_timeouts=pulumi.CustomTimeouts(
                create=f"{args.pulumi_timeout_s}s", update=f"{args.pulumi_timeout_s}s"
            ),
        ),
    )


def _strategy(rollout: Rollout) -> apps.DeploymentStrategyArgs:
    return apps.DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=apps.RollingUpdateDeploymentArgs(
            max_surge=rollout.max_surge, max_unavailable=rollout.max_unavailable
        ),
    )


def _service(
    name: str,
    metadata: meta.ObjectMetaArgs,
    port: int,
    child: pulumi.ResourceOptions,
) -> core.Service:
    """The Service. It is not awaited: the Deployment is, and says why."""
    return core.Service(
        f"{name}-service",
        metadata=meta.ObjectMetaArgs(
            name=metadata.name, namespace=metadata.namespace, annotations={"pulumi.com/skipAwait": "true"}
        ),
        spec=core.ServiceSpecArgs(
            selector=_LABELS,
            ports=[core.ServicePortArgs(name="http", port=port, target_port="http", app_protocol="http")],
        ),
        opts=child,
    )
