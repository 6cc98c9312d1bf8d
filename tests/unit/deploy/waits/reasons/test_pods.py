from typing import Any

import pytest

from deploy.waits.reasons.pods import pod_reasons_of
from deploy.waits.reasons.reason import LATER_S, SOON_S, Reason
from tests.unit.deploy.waits.reasons.recorded import PATIENCE, event, thing, waiting_pod

REFUSED = 'failed to do request: Head "https://localhost/v2/nothing/manifests/here": connect: connection refused'


def reasons_of(pod: dict[str, Any], *events: dict[str, Any]) -> list[Reason]:
    return list(pod_reasons_of(pod, events, PATIENCE))


@pytest.mark.parametrize(
    ("message", "patience_s", "cure"),
    [
        (REFUSED, PATIENCE.placement_s, ""),
        ("registry.example/triton:1: not found", LATER_S, "push registry.example/triton:1, or correct serving.image"),
        ("unexpected status: 401 Unauthorized", LATER_S, "no pull secret is named: correct it, or name one"),
        ("x509: certificate signed by unknown authority", LATER_S, "trust the registry's certificate"),
    ],
)
def test_an_image_that_can_not_be_had_is_another_thing_than_a_registrys_hiccup(
    message: str, patience_s: float, cure: str
) -> None:
    [found] = reasons_of(waiting_pod("ErrImagePull", message))

    assert found.why == f"container triton: ErrImagePull: {message}"
    assert found.patience_s == patience_s
    assert cure in found.cure


def test_a_pull_secret_that_is_missing_is_named() -> None:
    said = "Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed."
    lacks = event("Pod", "triton-1", "FailedToRetrieveImagePullSecret", said)

    [found] = reasons_of(waiting_pod("ImagePullBackOff", REFUSED), lacks)

    assert found.why.startswith("image pull secret registry is not in namespace triton-dev; container triton: Image")
    assert "kubectl create secret docker-registry registry --namespace=triton-dev" in found.cure
    assert found.patience_s == LATER_S


def test_a_secret_that_is_refused_is_named() -> None:
    pod = waiting_pod("ErrImagePull", "pull access denied")
    pod["spec"]["imagePullSecrets"] = [{"name": "registry"}]

    assert "what secret registry holds is refused" in reasons_of(pod)[0].cure


def test_a_reason_in_other_words_is_the_same_reason() -> None:
    assert {reasons_of(waiting_pod(reason))[0].kind for reason in ("ErrImagePull", "ImagePullBackOff")} == {"image"}


def test_a_pod_without_a_node_has_its_declared_patience() -> None:
    words = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": words}]

    [found] = reasons_of(thing("Pod", "triton-1", {"phase": "Pending", "conditions": conditions}))

    assert found.line == (
        f"pod triton-1: not scheduled: {words}; add nodes, or correct nodePool or serving.resources: "
        "kubectl describe nodes"
    )
    assert found.patience_s == PATIENCE.placement_s


def test_a_pod_that_waits_for_its_claim_leaves_the_word_to_the_claim() -> None:
    words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    conditions = [{"type": "PodScheduled", "status": "False", "message": words}]

    [found] = reasons_of(thing("Pod", "triton-1", {"phase": "Pending", "conditions": conditions}))

    assert (found.kind, found.patience_s) == ("claim", None)


@pytest.mark.parametrize(
    ("message", "patience_s"),
    [
        ('MountVolume.SetUp failed for volume "v" : configmap "nowhere" not found', LATER_S),
        ('MountVolume.SetUp failed for volume "v" : mount failed: Connection timed out', PATIENCE.placement_s),
    ],
)
def test_a_volume_that_is_not_mounted_says_why(message: str, patience_s: float) -> None:
    [found] = reasons_of(waiting_pod("ContainerCreating"), event("Pod", "triton-1", "FailedMount", message))

    assert (found.why, found.patience_s) == (message, patience_s)


def test_what_is_missing_in_a_containers_environment_is_named() -> None:
    [found] = reasons_of(waiting_pod("CreateContainerConfigError", 'secret "nos" not found'))

    assert found.why == 'container triton: CreateContainerConfigError: secret "nos" not found'
    assert found.patience_s == LATER_S


@pytest.mark.parametrize(("restarts", "expected"), [(2, []), (3, [SOON_S])])
def test_a_container_that_ends_again_and_again_is_not_waited_for(restarts: int, expected: list[float]) -> None:
    ended = {"terminated": {"exitCode": 1, "message": "warning\n1/model.onnx has another digest\n"}}

    found = reasons_of(waiting_pod("CrashLoopBackOff", "back-off", restartCount=restarts, lastState=ended))

    assert [each.patience_s for each in found] == expected
    assert all("3 times, at last with status 1: 1/model.onnx has another digest" in each.why for each in found)


def test_a_pod_that_is_going_or_has_ended_is_not_asked() -> None:
    going = waiting_pod("ErrImagePull")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ended = waiting_pod("ErrImagePull")
    ended["status"]["phase"] = "Failed"

    assert reasons_of(going) == reasons_of(ended) == []


def test_a_pod_of_the_build_names_the_builds_keys() -> None:
    pod = waiting_pod("InvalidImageName", "bad")
    pod["metadata"]["labels"] = {"app.kubernetes.io/name": "plan-build"}

    [found] = reasons_of(pod)

    assert (found.part, found.cure, found.patience_s) == ("build", "correct model.buildImage", SOON_S)
