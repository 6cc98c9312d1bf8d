"""Why a stack does not come up, in Kubernetes' own words: what it knows of the stack's objects, a line each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.waits.reasons.claims import claim_reasons
from deploy.waits.reasons.pods import BUILD, TRITON, pod_reasons_of
from deploy.waits.reasons.reason import Patience, Reason
from deploy.waits.reasons.routes import route_reasons
from deploy.waits.reasons.workloads import newest_replica_set, workload_reasons

_NAME = "app.kubernetes.io/name"

_FAULTS = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)


def reasons(pods: list[dict[str, Any]]) -> list[str]:
    """Say for each pod that is not ready why: unschedulable, image, or a container's last words.

    Args:
        pods: pods as the Kubernetes API gives them.
    """
    return [
        f"pod {pod['metadata']['name']}: {reason}" for pod in pods if not is_ready(pod) for reason in pod_reasons(pod)
    ]


def is_held_back(pod: Mapping[str, Any]) -> bool:
    """Whether Kubernetes lets a pod wait before it tries again what has failed: an image, a container."""
    statuses = [*pod["status"].get("initContainerStatuses", []), *pod["status"].get("containerStatuses", [])]
    return any((each.get("state", {}).get("waiting") or {}).get("reason") in _FAULTS for each in statuses)


def own_objects(objects: Sequence[Mapping[str, Any]], claim: str) -> list[Mapping[str, Any]]:
    """Choose the stack's own of a namespace's objects, which others may share.

    Args:
        objects: as the API gives them.
        claim: the stack's, by name.
    """
    return [each for each in objects if _is_own(each, claim)]


def reasons_from_objects(
    objects: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]], patience: Patience
) -> list[Reason]:
    """Say why what a deployment waits for does not come; pods of releases before are not asked.

    Args:
        objects: the stack's own.
        events: of their namespace.
        patience: the stack's.
    """
    newest = newest_replica_set(objects)
    pods = [each for each in objects if each["kind"] == "Pod" and not _is_of_another(each, newest)]
    return [
        *claim_reasons(objects, events),
        *workload_reasons(objects, events, patience),
        *(reason for pod in pods if not is_ready(pod) for reason in pod_reasons_of(pod, events, patience)),
        *route_reasons(objects),
    ]


def last_words(
    objects: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]], patience: Patience
) -> list[str]:
    """Say why a deployment has failed: all of its reasons, and what else its pods that are not ready say.

    Args:
        objects: the stack's own.
        events: of their namespace.
        patience: the stack's.
    """
    found = reasons_from_objects(objects, events, patience)
    said = {reason.where for reason in found}
    pods = [dict(each) for each in objects if each["kind"] == "Pod"]
    others = [pod for pod in pods if f"pod {pod['metadata']['name']}" not in said]
    return [*(reason.line for reason in found), *reasons(others)]


def _is_own(each: Mapping[str, Any], claim: str) -> bool:
    metadata = each["metadata"]
    if each["kind"] == "Job":
        metadata = each["spec"]["template"]["metadata"]
    elif each["kind"] == "PersistentVolumeClaim":
        return bool(metadata["name"] == claim)
    elif each["kind"] in {"Gateway", "HTTPRoute"}:
        return bool(metadata["name"] == TRITON)
    return metadata.get("labels", {}).get(_NAME) in {BUILD, TRITON}


def _is_of_another(pod: Mapping[str, Any], newest: Mapping[str, Any] | None) -> bool:
    """Whether a pod is of a ReplicaSet that a rollout is leaving."""
    owners = [owner["uid"] for owner in pod["metadata"].get("ownerReferences", []) if owner["kind"] == "ReplicaSet"]
    return bool(owners and newest and newest["metadata"].get("uid") not in owners)


def is_ready(thing: Mapping[str, Any]) -> bool:
    """Whether a pod or a node has the condition Ready."""
    conditions = thing.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def pod_reasons(pod: Mapping[str, Any]) -> Iterator[str]:
    """Say why a pod that is not ready is stuck or has failed; nothing where it is on its way."""
    status = pod.get("status", {})
    if status.get("reason"):  # the node's word: evicted, out of a GPU, shut down
        yield f"{status['reason']}: {status.get('message', '').strip()}"
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield f"not scheduled: {condition.get('message', '')}"
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        yield from _container_reasons(container)


def _container_reasons(container: Mapping[str, Any]) -> Iterator[str]:
    name = container["name"]
    waiting = container.get("state", {}).get("waiting", {})
    ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated")
    if ended and (ended.get("exitCode") != 0 or ended.get("message")):
        words = (ended.get("message") or ended.get("reason") or "no reason given").strip()
        yield f"container {name} ended with status {ended['exitCode']}: {words}"
    elif waiting.get("reason") in _FAULTS:
        yield f"container {name}: {waiting['reason']}: {waiting.get('message', '').strip()}"
