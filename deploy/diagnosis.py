"""Why pods do not serve, in the pods' own words: what Kubernetes knows, one line a pod."""

from collections.abc import Iterator, Mapping
from typing import Any

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
