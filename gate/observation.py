"""Looking at what a deployment has become in the cluster."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from deploy.smoke import TRITON_PODS
from gate.evidence import Phase
from gate.facts import newest_pods
from gate.phases import last_ready, phases_from_objects
from gate.record import Record


def pods_and_nodes(cluster: Cluster, namespace: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a stack's Triton pods and the cluster's nodes as the API gives them."""
    return cluster.pods(namespace, TRITON_PODS), cluster.nodes()


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
        proven_s=_proven_s(pod) if record.smoke else None,
    )


def _log(cluster: Cluster, namespace: str, pod: Mapping[str, Any] | None) -> str:
    if pod is None:
        return ""
    try:
        name = pod["metadata"]["name"]
        return cluster.kubectl("logs", name, f"--namespace={namespace}", "--container=triton", "--timestamps")
    except CommandFailedError:
        return ""


def _proven_s(pod: Mapping[str, Any] | None) -> float | None:
    """Seconds from a pod's readiness until now."""
    if pod is None:
        return None
    ready = next(each for each in pod["status"]["conditions"] if each["type"] == "Ready")
    turned = datetime.fromisoformat(ready["lastTransitionTime"])
    return round((datetime.now(UTC) - turned).total_seconds(), 3)
