"""Where the time went, from a new pod to a proven answer, by what Kubernetes and Triton wrote down.

Kubernetes stamps whole seconds, Triton's log and the gate have fractions: a phase can be wrong by a second. The phases
of a pod do not add up to its age: verifying the repository, and what kubelet does between two containers, is in none.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

from gate.evidence.document import Phase, PhaseName

_SERVER = "triton"
_DIGITS = 3
_LOADED = re.compile(r"^(?P<stamp>\S+) .*\bsuccessfully loaded '", re.MULTILINE)
_PULLED_IN = re.compile(r'" in (?P<pull>[\dhmsµun.]+)(?: \((?P<waited>\S+) including waiting\))?')
_DURATION = re.compile(r"(?P<figure>[\d.]+)(?P<unit>h|ms|m|s|µs|us|ns)")
_SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


def last_ready(pods: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the pod that became Ready last, on which the rollout waited; None where none is Ready."""
    ready = [(turned, pod) for pod in pods if (turned := turned_true(pod, "Ready"))]
    return max(ready, key=lambda entry: entry[0])[1] if ready else None


def phases_from_objects(
    *,
    started_at: datetime,
    pod: Mapping[str, Any] | None,
    job: Mapping[str, Any] | None,
    events: Sequence[Mapping[str, Any]],
    log: str,
    proven_s: float | None,
) -> tuple[Phase, ...]:
    """Measure the seven phases of a run; what did not happen in it, or left no trace, has no seconds.

    Args:
        started_at: when the run began; what is older was not part of it.
        pod: of Triton, the one to follow: `last_ready`.
        job: the build's, ``plan-<id>``; its time includes the wait for a node and the image.
        events: of the namespace; Kubernetes forgets them after an hour.
        log: of the pod's Triton, as ``kubectl logs --timestamps`` gives it.
        proven_s: from Ready until the smoke tests had passed.
    """
    since = started_at.astimezone(UTC).replace(microsecond=0)
    seconds: dict[PhaseName, float | None] = {"build": _build_s(job, since), "proven": proven_s}
    if pod is not None and time_of(pod["metadata"]["creationTimestamp"]) >= since:
        seconds |= _pod_phases(pod, events, log)
    names: tuple[PhaseName, ...] = get_args(PhaseName)
    return tuple(Phase(name=name, seconds=seconds.get(name)) for name in names)


def _pod_phases(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], log: str) -> dict[PhaseName, float | None]:
    """What one pod went through.

    The passing of the startup probe is stamped nowhere; readiness is probed as soon as it has passed, and that is: the
    containers' readiness ends ``warm-up``. ``ready`` is what a load balancer's readiness gate adds to it.
    """
    created = time_of(pod["metadata"]["creationTimestamp"])
    started, loaded = _server_started(pod), _loaded(log)
    containers_ready = turned_true(pod, "ContainersReady")
    return {
        "node": _between(created, turned_true(pod, "PodScheduled")),
        "pull": _pull_s(pod["metadata"]["uid"], events),
        "load": _between(started, loaded),
        "warm-up": _between(loaded, containers_ready),
        "ready": _between(containers_ready, turned_true(pod, "Ready")),
    }


def _build_s(job: Mapping[str, Any] | None, since: datetime) -> float | None:
    status = (job or {}).get("status", {})
    if "startTime" not in status or "completionTime" not in status or time_of(status["startTime"]) < since:
        return None
    return _between(time_of(status["startTime"]), time_of(status["completionTime"]))


def _pull_s(uid: str, events: Sequence[Mapping[str, Any]]) -> float | None:
    """How long a pod waited for its images, in seconds; one that the node has costs nothing."""
    pulled = [event for event in events if event["reason"] == "Pulled" and event["involvedObject"].get("uid") == uid]
    if not pulled:
        return None
    return round(sum(_pull_from_message(event["message"]) for event in pulled), _DIGITS)


def _pull_from_message(message: str) -> float:
    """Read kubelet's ``Successfully pulled image "…" in 1.2s (1m3.4s including waiting). Image size: …``."""
    match = _PULLED_IN.search(message)
    if match is None:  # Container image "…" already present on machine
        return 0.0
    parts = _DURATION.finditer(match["waited"] or match["pull"])
    return sum(float(part["figure"]) * _SECONDS[part["unit"]] for part in parts)


def _server_started(pod: Mapping[str, Any]) -> datetime | None:
    for container in pod["status"].get("containerStatuses", []):
        if container["name"] == _SERVER and "running" in container["state"]:
            return time_of(container["state"]["running"]["startedAt"])
    return None


def _loaded(log: str) -> datetime | None:
    match = _LOADED.search(log)
    return time_of(match["stamp"]) if match else None


def turned_true(pod: Mapping[str, Any], condition: str) -> datetime | None:
    """When a condition of a pod turned true, the last time; None where it is not."""
    for each in pod["status"].get("conditions", []):
        if each["type"] == condition and each["status"] == "True":
            return time_of(each["lastTransitionTime"])
    return None


def _between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds between two stamps; a whole second may seem to lie before the fraction that it belongs to."""
    return None if start is None or end is None else max(0.0, round((end - start).total_seconds(), _DIGITS))


def time_of(stamp: str) -> datetime:
    """Read a stamp of Kubernetes or of its logs."""
    return datetime.fromisoformat(stamp)
