"""What a deployment will do to a user's traffic, before it does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.config.rollout import announcement, downtime_s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gate.before.preview import Preview, Step
    from infra.config import StackConfig

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
_JOB = "kubernetes:batch/v1:Job"
_NAMESPACE = "kubernetes:core/v1:Namespace"
_PROVIDER = "pulumi:providers:kubernetes"
_SERVICE = "kubernetes:core/v1:Service"
_WAY_IN = {
    _SERVICE: "Service",
    _GATEWAY: "Gateway",
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": "HTTPRoute",
}
_STORAGE = {
    "kubernetes:core/v1:PersistentVolume": "PersistentVolume",
    "kubernetes:core/v1:PersistentVolumeClaim": "PersistentVolumeClaim",
}
_POD_TEMPLATE = "spec.template"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What will happen to traffic.

    Attributes:
        lines: in a person's words.
        downtime_s: longest time that nothing may answer at the URL, in seconds.
    """

    lines: tuple[str, ...]
    downtime_s: int


@dataclass(frozen=True, kw_only=True)
class _Effect:
    line: str
    downtime_s: int = 0


def forecast_from_preview(preview: Preview, config: StackConfig) -> Forecast:
    """Say what the steps of a preview mean for who uses the URL.

    Args:
        preview: of the whole stack.
        config: the stack's; the timeouts in it bound the downtime.
    """
    deployment = next((step for step in preview.steps if step.type == _DEPLOYMENT), None)
    if deployment is None:
        return Forecast(
            lines=("traffic: not known, for the preview did not come as far as the Deployment",), downtime_s=0
        )
    if deployment.op == "create":
        return Forecast(lines=tuple(_first_lines(preview, config)), downtime_s=0)
    effects = [
        *_effects_of_build(preview, config),
        *_effects_of_pods(deployment, config),
        *(effect for step in preview.steps for effect in _effects_of_place(step, config)),
    ]
    outage_s = sum(effect.downtime_s for effect in effects)
    lines = [effect.line for effect in effects]
    if all(step.op in {"same", "read"} for step in preview.steps):
        lines = ["nothing changes: traffic is not touched"]
    return Forecast(lines=(*lines, _expected(outage_s)), downtime_s=outage_s)


def _first_lines(preview: Preview, config: StackConfig) -> Iterator[str]:
    timeouts = config.timeouts
    yield "first deployment: nothing serves before"
    yield from (effect.line for effect in _effects_of_build(preview, config))
    yield f"pods: each is proven within {timeouts.placement_s + timeouts.startup_s} s of its creation, or fails"


def _effects_of_build(preview: Preview, config: StackConfig) -> Iterator[_Effect]:
    if any(step.type == _JOB and step.op in {"create", "replace"} for step in preview.steps):
        build_s = config.timeouts.build_s
        yield _Effect(line=f"plan: built first if it is not published yet, up to {build_s} s; that touches no traffic")


def _effects_of_pods(deployment: Step, config: StackConfig) -> Iterator[_Effect]:
    serving = config.serving
    if deployment.op == "delete" or deployment.gone_meanwhile:
        yield _Effect(line="Deployment: no pod serves until the new ones are proven", downtime_s=config.timeouts.turn_s)
    elif deployment.op == "replace":
        needed = serving.replicas * serving.gpus_per_replica
        beside = f"; that takes {needed} GPUs beside those in use" if needed else ""
        yield _Effect(line=f"Deployment: another one is proven before the one in use goes{beside}")
    elif deployment.op != "update":
        yield _Effect(line="pods: none is replaced")
    elif any(path.startswith(_POD_TEMPLATE) for path in deployment.changed):
        outage_s = downtime_s(config.rollout, config.timeouts)
        yield _Effect(line=announcement(config.rollout, config.timeouts), downtime_s=outage_s)
    else:
        what = ", ".join(deployment.changed) or "its settings"
        yield _Effect(line=f"pods: those that serve stay; the Deployment changes in {what}")


def _effects_of_place(step: Step, config: StackConfig) -> Iterator[_Effect]:
    """What becomes of everything between the pods and the URL, and under them."""
    if step.op == "update":
        yield from _effects_of_changed_way_in(step, config)
    elif step.op == "delete" or step.gone_meanwhile:
        yield from _effects_of_gap(step, config)
    elif step.op == "replace" and step.type in _STORAGE:
        yield _Effect(
            line=f"{_STORAGE[step.type]}: another beside the one in use, which a pod or a kept release may need"
        )
    elif step.op == "replace" and step.type == _NAMESPACE:
        stays = config.endpoint.hostname is not None
        url = "the URL stays" if stays else "the URL becomes another one, and the old one ends with the update"
        yield _Effect(line=f"Namespace: everything is made anew in {config.cluster.namespace}; {url}")
    elif step.op == "replace" and step.type == _PROVIDER:
        yield _Effect(line="cluster: everything is made anew on another one, and the URL becomes another one")


def _effects_of_changed_way_in(step: Step, config: StackConfig) -> Iterator[_Effect]:
    changed = ", ".join(step.changed)
    if step.type == _GATEWAY:
        yield _Effect(line=f"Gateway: changed in place ({changed}); the URL may become another one")
    elif step.type == _SERVICE and any(path.startswith("spec.ports") for path in step.changed):
        line = f"Service: changed in place ({changed}), an outage until the route has followed"
        yield _Effect(line=line, downtime_s=config.endpoint.timeout_s)


def _effects_of_gap(step: Step, config: StackConfig) -> Iterator[_Effect]:
    gone = "removed before its successor is made" if step.op == "replace" else "removed"
    if step.type in _WAY_IN:
        yield _Effect(line=f"{_WAY_IN[step.type]}: {gone}, an outage of the URL", downtime_s=config.endpoint.timeout_s)
    elif step.type in _STORAGE:
        line = f"{_STORAGE[step.type]}: {gone}, an outage for every pod that starts meanwhile"
        yield _Effect(line=line, downtime_s=config.timeouts.turn_s)
    elif step.type == _NAMESPACE:
        line = f"Namespace: {gone}, an outage of all that is in it"
        yield _Effect(line=line, downtime_s=config.timeouts.build_s + config.timeouts.turn_s)


def _expected(outage_s: int) -> str:
    return f"downtime: up to {outage_s} s in all" if outage_s else "downtime: none expected"
