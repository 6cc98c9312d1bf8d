"""Why a pod does not run: no node, no image, no volume, or a container that ends again and again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.waits.reasons.reason import LATER_S, RETRIED_S, SOON_S, Part, Patience, Reason, last_event

BUILD, TRITON = "plan-build", "triton"
"""The label `app.kubernetes.io/name` of the two sorts of pods."""

_NAME = "app.kubernetes.io/name"
_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff"})
_NEVER = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_CONFIG = frozenset({"CreateContainerConfigError"})
_RUNTIME = frozenset({"CreateContainerError", "RunContainerError"})
_CRASH = "CrashLoopBackOff"
_CRASHES = 3
_UNAUTHORIZED = re.compile(
    r"\b40[13]\b|unauthorized|authentication required|access denied|requested access to the resource is denied|"
    r"no basic auth credentials|insufficient_scope",
    re.IGNORECASE,
)
_ABSENT = re.compile(r"not found|manifest unknown|name unknown|no match for platform|\b404\b", re.IGNORECASE)
_UNTRUSTED = re.compile(r"x509|certificate|server gave HTTP response to HTTPS client", re.IGNORECASE)
_NO_OBJECT = re.compile(r'(?:configmap|secret|object) "?\S+"? not (?:found|registered)', re.IGNORECASE)
_KEYS: dict[Part, str] = {"build": "model.buildImage", "serving": "serving.image"}


def pod_reasons_of(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], patience: Patience) -> Iterator[Reason]:
    """Say why a pod is stuck; nothing where it is on its way, is ready or has ended.

    Args:
        pod: as the API gives it.
        events: of its namespace.
        patience: the stack's.
    """
    if "deletionTimestamp" in pod["metadata"] or pod["status"].get("phase") in {"Succeeded", "Failed"}:
        return
    for condition in pod["status"].get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield _unplaced(pod, str(condition.get("message", "")), patience)
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting") or {}
        yield from _of_container(pod, container, waiting, events, patience)
    said = last_event(events, "Pod", pod["metadata"]["name"], "FailedMount", "FailedAttachVolume")
    if said and not any(container.get("state", {}).get("running") for container in _containers(pod)):
        patience_s = LATER_S if _NO_OBJECT.search(said) else patience.placement_s
        yield _reason(pod, "volume", said, patience_s=patience_s)


def part_of(pod: Mapping[str, Any]) -> Part:
    """What waits for a pod."""
    return "build" if pod["metadata"].get("labels", {}).get(_NAME) == BUILD else "serving"


def _containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*pod["status"].get("initContainerStatuses", []), *pod["status"].get("containerStatuses", [])]


def _reason(pod: Mapping[str, Any], kind: str, why: str, *, cure: str = "", patience_s: float | None = None) -> Reason:
    where, why = f"pod {pod['metadata']['name']}", " ".join(why.split())
    return Reason(part=part_of(pod), where=where, kind=kind, why=why, cure=cure, patience_s=patience_s)


def _unplaced(pod: Mapping[str, Any], said: str, patience: Patience) -> Reason:
    if "unbound immediate PersistentVolumeClaims" in said:
        return _reason(pod, "claim", f"not scheduled: {said}")  # the claim itself says why
    if "persistentvolumeclaim" in said and "not found" in said:
        return _reason(pod, "claim", f"not scheduled: {said}", patience_s=LATER_S)
    key = "model.buildResources" if part_of(pod) == "build" else "serving.resources"
    cure = f"add nodes, or correct nodePool or {key}: kubectl describe nodes"
    return _reason(pod, "unschedulable", f"not scheduled: {said}", cure=cure, patience_s=patience.placement_s)


def _of_container(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    waiting: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
    patience: Patience,
) -> Iterator[Reason]:
    reason = waiting.get("reason", "")
    why = f"container {container['name']}: {reason}: {waiting.get('message', '')}"
    if reason in _IMAGE:
        yield _unpulled(pod, container, why, events, patience)
    elif reason in _NEVER:
        yield _reason(pod, "image", why, cure=f"correct {_KEYS[part_of(pod)]}", patience_s=SOON_S)
    elif reason in _CONFIG:
        yield _reason(pod, "configuration", why, patience_s=LATER_S)
    elif reason in _RUNTIME:
        yield _reason(pod, "container", why, patience_s=RETRIED_S)
    elif reason == _CRASH and container.get("restartCount", 0) >= _CRASHES:
        ended = (container.get("lastState") or {}).get("terminated") or {}
        words = str(ended.get("message") or ended.get("reason") or "no reason given")
        why = f"container {container['name']} has ended {container['restartCount']} times, at last with status "
        yield _reason(pod, "crash", f"{why}{ended.get('exitCode')}: {_last_line(words)}", patience_s=SOON_S)


def _unpulled(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    why: str,
    events: Sequence[Mapping[str, Any]],
    patience: Patience,
) -> Reason:
    namespace, key = pod["metadata"].get("namespace", ""), _KEYS[part_of(pod)]
    lacks = last_event(events, "Pod", pod["metadata"]["name"], "FailedToRetrieveImagePullSecret")
    if lacks and (found := re.search(r"\(([^)]+)\)", lacks)):
        cure = (
            f"make it: kubectl create secret docker-registry {found[1]} --namespace={namespace} --docker-server=... "
            "--docker-username=... --docker-password=..., or correct serving.imagePullSecrets"
        )
        why = f"image pull secret {found[1]} is not in namespace {namespace}; {why}"
        return _reason(pod, "image", why, cure=cure, patience_s=LATER_S)
    if _UNAUTHORIZED.search(why):
        names = [each["name"] for each in pod.get("spec", {}).get("imagePullSecrets") or []]
        what = f"what secret {', '.join(names)} holds is refused" if names else "no pull secret is named"
        cure = f"{what}: correct it, or name one that is right in serving.imagePullSecrets"
        return _reason(pod, "image", why, cure=cure, patience_s=LATER_S)
    if _UNTRUSTED.search(why):
        cure = "have the nodes trust the registry's certificate"
        return _reason(pod, "image", why, cure=cure, patience_s=LATER_S)
    if _ABSENT.search(why):
        cure = f"push {container['image']}, or correct {key}"
        return _reason(pod, "image", why, cure=cure, patience_s=LATER_S)
    return _reason(pod, "image", why, patience_s=patience.placement_s)


def _last_line(words: str) -> str:
    return next((line.strip() for line in reversed(words.splitlines()) if line.strip()), "no reason given")
