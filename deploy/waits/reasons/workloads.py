"""Why a Deployment or a Job has no pods."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.waits.reasons.admission import refused
from deploy.waits.reasons.reason import Part, Patience, Reason, last_event

_REVISION = "deployment.kubernetes.io/revision"
_ENDED = frozenset({"Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"})


def workload_reasons(
    objects: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]], patience: Patience
) -> Iterator[Reason]:
    """Say why the newest ReplicaSet, and each Job that has not ended, can create no pod.

    Args:
        objects: ReplicaSets and Jobs of one stack as the API gives them; others are passed over.
        events: of their namespace.
        patience: the stack's.
    """
    if newest := newest_replica_set(objects):
        for condition in _true_conditions(newest):
            if condition["type"] == "ReplicaFailure":
                yield _refused("serving", "ReplicaSet", newest, str(condition.get("message", "")), patience)
    for job in (each for each in objects if each["kind"] == "Job"):
        if any(condition["type"] in _ENDED for condition in _true_conditions(job)) or job["status"].get("active"):
            continue
        if said := last_event(events, "Job", job["metadata"]["name"], "FailedCreate"):
            yield _refused("build", "Job", job, said, patience)


def newest_replica_set(objects: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the ReplicaSet that a rollout is going to; None where there is none."""
    sets = [each for each in objects if each["kind"] == "ReplicaSet"]
    return max(sets, key=lambda each: int(each["metadata"].get("annotations", {}).get(_REVISION, 0)), default=None)


def _refused(part: Part, kind: str, made_by: Mapping[str, Any], said: str, patience: Patience) -> Reason:
    metadata = made_by["metadata"]
    where = f"{kind} {metadata['name']}"
    return refused(part, where, said, namespace=metadata.get("namespace", ""), patience=patience)


def _true_conditions(workload: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for condition in workload.get("status", {}).get("conditions") or []:
        if condition["status"] == "True":
            yield condition
