"""Looking at what a deployment has become in the cluster."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, ForbiddenError
from deploy.smoke import TRITON, TRITON_PODS, has_ended
from deploy.waits.diagnosis import is_ready
from gate.cluster.facts import newest_pods
from gate.evidence.document import Phase
from gate.evidence.phases import last_ready, phases_from_objects, time_of, turned_true
from gate.evidence.record import Record
from infra.pods import PLAN_LABEL


def pods_and_nodes(cluster: Cluster, namespace: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a stack's Triton pods and the cluster's nodes as the API gives them; no nodes where none may be read."""
    pods = cluster.pods(namespace, TRITON_PODS)
    try:
        return pods, cluster.nodes()
    except ForbiddenError:
        return pods, []


def phases_of_run(
    cluster: Cluster, outputs: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], record: Record
) -> tuple[Phase, ...]:
    """Measure a run's phases so far.

    Args:
        cluster: the stack's.
        outputs: the stack's.
        pods: of its Triton.
        record: of the run; where its smoke tests have passed, `proven` ends now.
    """
    namespace, pod = outputs["namespace"], last_ready(newest_pods(pods))
    job = cluster.kubectl(
        "get", "job", f"plan-{outputs['planId']}", f"--namespace={namespace}", "--ignore-not-found", "--output=json"
    )
    events = json.loads(cluster.kubectl("get", "events", f"--namespace={namespace}", "--output=json"))["items"]
    return phases_from_objects(
        started_at=record.started_at,
        pod=pod,
        job=json.loads(job) if job.strip() else None,
        events=events,
        log=_log(cluster, namespace, pod),
        proven_s=_proven_s(pod, record) if record.smoke else None,
    )


def deployed_template(cluster: Cluster) -> dict[str, Any] | None:
    """What Triton's Deployment makes pods of; None where there is no Deployment."""
    found = cluster.kubectl(
        "get", TRITON, f"--namespace={cluster.config.namespace}", "--ignore-not-found", "--output=json"
    )
    return dict(json.loads(found)["spec"]["template"]) if found.strip() else None


def plan_of_template(template: Mapping[str, Any] | None) -> str | None:
    """The plan that pods of a template serve; None where there is no template, or it is none of this project's."""
    plan = (template or {}).get("metadata", {}).get("labels", {}).get(PLAN_LABEL)
    return None if plan is None else str(plan)


def ready_pods(cluster: Cluster) -> list[str]:
    """Names of the Triton pods that get traffic, whichever release they are of."""
    pods = cluster.pods(cluster.config.namespace, TRITON_PODS)
    return sorted(pod["metadata"]["name"] for pod in pods if is_ready(pod) and not has_ended(pod))


def _log(cluster: Cluster, namespace: str, pod: Mapping[str, Any] | None) -> str:
    if pod is None:
        return ""
    try:
        name = pod["metadata"]["name"]
        return cluster.kubectl("logs", name, f"--namespace={namespace}", "--container=triton", "--timestamps")
    except CommandFailedError:
        return ""


def first_ready(pods: Sequence[Mapping[str, Any]], since: datetime) -> datetime | None:
    """When the first of the newest pods could have got traffic; None where none is of this run."""
    began = since.replace(microsecond=0)
    own = [pod for pod in newest_pods(pods) if time_of(pod["metadata"]["creationTimestamp"]) >= began]
    return min((turned for pod in own if (turned := turned_true(pod, "Ready"))), default=None)


def _proven_s(pod: Mapping[str, Any] | None, record: Record) -> float | None:
    """Seconds from a new pod's readiness until now; clocks may differ."""
    ready = first_ready([pod], record.started_at) if pod else None
    return None if ready is None else round(max(0.0, (datetime.now(UTC) - ready).total_seconds()), 3)
