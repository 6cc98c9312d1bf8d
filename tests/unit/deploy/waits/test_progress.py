from typing import Any

import pytest

from deploy.waits.progress import State, Wait, failed, pod_state, progress_lines, states_from_objects, waits_from_states

PLACED = {"type": "PodReadyToStartContainers", "status": "True"}
READY = {"type": "Ready", "status": "True"}


def container(name: str, *, started: bool = False, ready: bool = False, **state: Any) -> dict[str, Any]:
    image = "registry.example/triton@sha256:1"
    return {"name": name, "image": image, "started": started, "ready": ready, "state": state}


def pod(name: str = "triton-1", phase: str = "Pending", **status: Any) -> dict[str, Any]:
    labels = {"job-name": name.rpartition("-")[0]} if name.startswith("plan") else {}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels},
        "status": {"phase": phase, **status},
    }


def job(name: str, *conditions: dict[str, str]) -> dict[str, Any]:
    return {"kind": "Job", "metadata": {"name": name, "uid": f"uid-{name}"}, "status": {"conditions": [*conditions]}}


FAILED_JOB = job("plan-1", {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"})


@pytest.mark.parametrize(
    ("seen", "doing"),
    [
        (pod(), "finding a node"),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}]),
            "not scheduled: 0/1 nodes are available",
        ),
        (
            pod(containerStatuses=[container("triton", waiting={"reason": "ContainerCreating"})]),
            "getting its volumes and its network",
        ),
        (
            pod(conditions=[PLACED], containerStatuses=[container("triton", waiting={"reason": "ContainerCreating"})]),
            "pulling image registry.example/triton@sha256:1",
        ),
        (
            pod(containerStatuses=[container("triton", waiting={"reason": "ErrImagePull", "message": "not found"})]),
            "container triton: ErrImagePull: not found",
        ),
        (
            pod(
                *("plan-1-a", "Running"),
                conditions=[READY],
                containerStatuses=[container("build", started=True, ready=True, running={})],
            ),
            "building the plan",
        ),
        (pod("plan-1-a", "Running", containerStatuses=[container("build", terminated={"exitCode": 0})]), "ending"),
        (
            pod(phase="Running", containerStatuses=[container("triton", started=True, running={})]),
            "running and not ready",
        ),
        (
            pod(
                initContainerStatuses=[container("verify", running={})],
                containerStatuses=[container("triton", waiting={"reason": "PodInitializing"})],
            ),
            "verifying the plan",
        ),
        (
            pod(
                phase="Running",
                initContainerStatuses=[container("verify", ready=True, terminated={"exitCode": 0})],
                containerStatuses=[container("triton", running={})],
            ),
            "loading the model",
        ),
        (
            pod(
                initContainerStatuses=[
                    container("verify", terminated={"exitCode": 1, "message": "1/model.onnx has another digest\n"})
                ]
            ),
            "container verify ended with status 1: 1/model.onnx has another digest",
        ),
        (
            pod(containerStatuses=[container("triton", terminated={"exitCode": 137, "message": "a\nb\nc\n\nd\ne"})]),
            "container triton ended with status 137: a | … | c | d | e",
        ),
    ],
)
def test_a_pod_says_what_it_is_doing(seen: dict[str, Any], doing: str) -> None:
    assert pod_state(seen) == State(doing=doing)


def test_a_pod_that_is_ready_or_done_is_not_waited_for() -> None:
    assert pod_state(pod(phase="Running", conditions=[READY])) == State(doing="ready", over=True)
    assert pod_state(pod(phase="Succeeded")) == State(doing="done", over=True)


def test_a_pod_that_ends_is_waited_for_even_if_it_still_serves() -> None:
    ending = pod(phase="Running", conditions=[READY])
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod_state(ending) == State(doing="ending")


def test_a_job_speaks_where_no_pod_does() -> None:
    states = states_from_objects([FAILED_JOB, job("plan-2"), job("plan-3"), pod("plan-3-a")], frozenset())
    assert states == {
        "job plan-1": State(doing="failed: DeadlineExceeded: too long"),
        "job plan-2": State(doing="it has no pod yet"),
        "pod plan-3-a": State(doing="finding a node"),
    }


def test_what_a_former_run_left_behind_is_not_told() -> None:
    objects = [FAILED_JOB, pod("plan-1-a", "Failed"), pod("triton-1")]
    assert list(states_from_objects(objects, failed(objects))) == ["pod triton-1"]


def test_a_line_comes_with_a_change_and_again_after_a_while() -> None:
    looks = [
        (10.0, State(doing="finding a node")),
        (12.0, State(doing="finding a node")),
        (14.0, State(doing="loading the model")),
        (28.9, State(doing="loading the model")),
        (29.0, State(doing="loading the model")),
        (33.0, State(doing="ready", over=True)),
        (99.0, State(doing="ready", over=True)),
        (100.0, State(doing="ending")),
    ]
    waits: dict[str, Wait] = {}
    lines = []
    for now_s, state in looks:
        waits = waits_from_states({"pod triton-1": state}, waits, now_s=now_s)
        lines += progress_lines(waits, now_s=now_s)
    assert lines == [
        "waiting 0 s: pod triton-1: finding a node",
        "waiting 4 s: pod triton-1: loading the model",
        "waiting 19 s: pod triton-1: loading the model",
        "pod triton-1: ready after 23 s",
        "waiting 0 s: pod triton-1: ending",
    ]


def test_what_is_over_at_the_first_look_is_not_told() -> None:
    waits = waits_from_states({"pod triton-1": State(doing="ready", over=True)}, {}, now_s=10)
    assert progress_lines(waits, now_s=10) == []
