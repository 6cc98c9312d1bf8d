from typing import Any

from deploy.waits.diagnosis import reasons


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "triton-1"}, "status": status}


def container(**state: Any) -> dict[str, Any]:
    return {"name": "verify", "state": state}


def test_a_ready_pod_needs_no_reason() -> None:
    running = pod(containerStatuses=[container(running={})], conditions=[{"type": "Ready", "status": "True"}])

    assert reasons([running]) == []


def test_an_image_that_does_not_exist_is_named() -> None:
    waiting = container(waiting={"reason": "ErrImagePull", "message": "registry.example/x: not found"})

    assert reasons([pod(containerStatuses=[waiting])]) == [
        "pod triton-1: container verify: ErrImagePull: registry.example/x: not found"
    ]


def test_a_failed_container_gives_its_last_words() -> None:
    ended = container(terminated={"exitCode": 1, "message": "1/model.onnx has another digest\n"})

    assert reasons([pod(initContainerStatuses=[ended])]) == [
        "pod triton-1: container verify ended with status 1: 1/model.onnx has another digest"
    ]


def test_a_container_that_restarts_gives_the_last_words_of_the_one_before() -> None:
    restarting = {
        "name": "triton",
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        "lastState": {"terminated": {"exitCode": 137, "message": "class 968, expected 504"}},
    }

    assert reasons([pod(containerStatuses=[restarting])]) == [
        "pod triton-1: container triton ended with status 137: class 968, expected 504"
    ]


def test_a_server_that_left_in_peace_after_a_wrong_answer_still_says_why() -> None:
    """Ended by its failed probe, Triton exits with status 0; the probe's verdict is its last message."""
    ended = {"name": "triton", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 0, "message": "no"}}}

    assert reasons([pod(containerStatuses=[ended])]) == ["pod triton-1: container triton ended with status 0: no"]


def test_a_build_that_is_done_needs_no_reason() -> None:
    done = container(terminated={"exitCode": 0, "reason": "Completed"})

    assert reasons([pod(containerStatuses=[done])]) == []


def test_a_pod_that_became_ready_is_not_asked_about_its_past() -> None:
    mended = {"name": "triton", "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}}
    ready = {"type": "Ready", "status": "True"}

    assert reasons([pod(containerStatuses=[mended], conditions=[ready])]) == []


def test_a_pod_without_a_node_says_so() -> None:
    unschedulable = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}

    assert reasons([pod(conditions=[unschedulable])]) == ["pod triton-1: not scheduled: 0/1 nodes are available"]


def test_a_pod_that_its_node_put_out_says_so() -> None:
    evicted = pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory. ")

    assert reasons([evicted]) == ["pod triton-1: Evicted: The node was low on resource: memory."]
