"""Progress that a person can follow while something else has the foreground: what is waited for, and since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.waits.diagnosis import is_ready, pod_reasons

_REPEAT_S = 15
_LAST_LINES = 3
_WORK = {"build": "building the plan", "verify": "verifying the plan", "triton": "loading the model"}
"""What a container of ours does while it runs."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What a pod or a Job is doing; `over` where nobody waits for it any more."""

    doing: str
    over: bool = False


@dataclass(frozen=True, kw_only=True)
class Wait:
    """A state with its times, all on the monotonic clock.

    Attributes:
        state: what is waited for.
        since_s: when that was seen first.
        said_s: when it was last told; infinitely long ago where it never was.
    """

    state: State
    since_s: float
    said_s: float


def failed(objects: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the UIDs of the pods and Jobs that have failed for good: at the first look, those of a former run."""
    return frozenset(
        found["metadata"]["uid"]
        for found in objects
        if found.get("status", {}).get("phase") == "Failed" or (found["kind"] == "Job" and _failure(found))
    )


def states_from_objects(objects: Sequence[Mapping[str, Any]], past: frozenset[str]) -> dict[str, State]:
    """Say of each pod what it is doing, and of each Job that has failed or has no pod.

    Args:
        objects: pods and Jobs as the Kubernetes API gives them.
        past: UIDs of what is of no interest.
    """
    current = [found for found in objects if found["metadata"]["uid"] not in past]
    pods = [found for found in current if found["kind"] == "Pod"]
    states = {f"pod {pod['metadata']['name']}": pod_state(pod) for pod in pods}
    with_pod = {_of_job(pod) for pod in pods}
    for job in (found for found in current if found["kind"] == "Job"):
        name = job["metadata"]["name"]
        if failure := _failure(job):
            states[f"job {name}"] = State(doing=f"failed: {failure}")
        elif name not in with_pod and not job["status"].get("conditions"):
            states[f"job {name}"] = State(doing="it has no pod yet")
    return states


def pod_state(pod: Mapping[str, Any]) -> State:
    """Say what a pod is doing, in its own words where it is stuck."""
    phase = pod["status"].get("phase")
    if "deletionTimestamp" in pod["metadata"]:
        return State(doing="ending")
    if phase == "Succeeded":
        return State(doing="done", over=True)
    if is_ready(pod) and not _of_job(pod):  # a Job's pod is ready as soon as it runs
        return State(doing="ready", over=True)
    if reasons := list(pod_reasons(pod)):
        return State(doing=_one_line("; ".join(reasons)))
    return State(doing=_step(pod["status"]))


def waits_from_states(states: Mapping[str, State], before: Mapping[str, Wait], *, now_s: float) -> dict[str, Wait]:
    """Carry the times on from one look to the next.

    Args:
        states: what was seen now.
        before: the result of the look before.
        now_s: time of this look.
    """
    return {what: _wait(state, before.get(what), now_s) for what, state in states.items()}


def progress_lines(waits: Mapping[str, Wait], *, now_s: float) -> list[str]:
    """Return the lines of one look: what has changed, and what has been silent for long.

    Args:
        waits: what is waited for, by the pod's or the Job's name.
        now_s: time of the look.
    """
    return [_line(what, wait, now_s) for what, wait in waits.items() if wait.said_s == now_s]


def _line(what: str, wait: Wait, now_s: float) -> str:
    seconds = f"{now_s - wait.since_s:.0f} s"
    doing = wait.state.doing
    return f"{what}: {doing} after {seconds}" if wait.state.over else f"waiting {seconds}: {what}: {doing}"


def _wait(state: State, old: Wait | None, now_s: float) -> Wait:
    if old is None:
        return Wait(state=state, since_s=now_s, said_s=float("-inf") if state.over else now_s)
    due = state != old.state or (not state.over and now_s - old.said_s >= _REPEAT_S)
    begins = old.state.over and not state.over
    return Wait(state=state, since_s=now_s if begins else old.since_s, said_s=now_s if due else old.said_s)


def _of_job(pod: Mapping[str, Any]) -> str:
    """Name of the Job that a pod is of, or nothing."""
    return str(pod["metadata"].get("labels", {}).get("job-name", ""))


def _failure(job: Mapping[str, Any]) -> str:
    """Why a Job has failed, or nothing."""
    for condition in job["status"].get("conditions", []):
        if condition["type"] == "Failed" and condition["status"] == "True":
            return f"{condition.get('reason', 'no reason given')}: {condition.get('message', '')}"
    return ""


def _step(status: Mapping[str, Any]) -> str:
    """The step that a pod without a fault is at: what its first container does that is not done."""
    serving = status.get("containerStatuses", [])
    containers = [*status.get("initContainerStatuses", []), *serving]
    for container in containers:
        if "running" in container["state"]:
            is_loaded = container in serving and container.get("started") and not container["ready"]
            work = _WORK.get(container["name"], f"container {container['name']} is running")
            return "running and not ready" if is_loaded else work
        if "waiting" in container["state"]:
            conditions = {found["type"]: found["status"] for found in status.get("conditions", [])}
            is_placed = conditions.get("PodReadyToStartContainers") == "True"
            return f"pulling image {container['image']}" if is_placed else "getting its volumes and its network"
    return "ending" if containers else "finding a node"


def _one_line(text: str) -> str:
    """A crash with its last lines, in one."""
    first, *rest = filter(None, (line.strip() for line in text.splitlines()))
    skipped = ["…"] if len(rest) > _LAST_LINES else []
    return " | ".join([first, *skipped, *rest[-_LAST_LINES:]])
