"""Whether policies are enforced is tried from a pod, remembered while the same pods serve, and in nobody's way."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.enforcement import trial, try_during
from deploy.enforcement_job import job_manifest
from deploy.errors import CommandFailedError, ForbiddenError
from infra.config import REPOSITORY, StackConfig, config_from_yaml

JOB = "job.batch/enforcement-trial-x1"
CONFIG = config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")


def pod(uid: str, address: str, **labels: str) -> dict[str, Any]:
    own = {"app.kubernetes.io/name": "triton", "densenet-triton/plan": "0123456789abcdef"}
    container = {
        "name": "triton",
        "image": "localhost/triton-cpu:1",
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    return {
        "kind": "Pod",
        "metadata": {"name": f"triton-{uid}", "uid": uid, "labels": labels or own},
        "spec": {
            "nodeName": "embedded",
            "containers": [container],
            "imagePullSecrets": [{"name": "registry"}],
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        },
        "status": {"podIP": address, "phase": "Running"},
    }


class StandIn:
    """A cluster that has a policy and pods, and in which a trial reaches whom it reaches."""

    def __init__(
        self, reached: str = "nobody", *, fails: str = "", error: type[CommandFailedError] = CommandFailedError
    ) -> None:
        self.config = CONFIG.cluster
        self.reached, self.fails, self.error = reached, fails, error
        self.policy: dict[str, Any] | None = {
            "kind": "NetworkPolicy",
            "metadata": {"name": "triton-default-deny", "uid": "p", "generation": 1},
        }
        self.serving = [pod("b", "10.210.0.8"), pod("a", "10.210.0.7")]
        self.others = [pod("c", "10.210.0.9", **{"app.kubernetes.io/name": "triton"})]
        self.made: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def kubectl(self, verb: str, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        assert arguments[-1] == "--namespace=triton-dev"
        assert timeout_s
        self.asked.append(verb)
        if verb == self.fails:
            raise self.error(f"'kubectl {verb}' ended with status 1: no")
        if verb == "get":
            return json.dumps({"items": [*([self.policy] if self.policy else []), *self.others, *self.serving]})
        if verb == "create":
            self.made.append(json.loads(input_text or ""))
            return f"{JOB}\n"
        if verb == "annotate" and self.policy:
            assert arguments[0] == "networkpolicies.networking.k8s.io/triton-default-deny"
            key, _, value = arguments[1].partition("=")
            self.policy["metadata"]["annotations"] = {key: value}
        return f"{self.reached}\n" if verb == "logs" else ""

    def pods(self, namespace: str, selector: str) -> list[dict[str, Any]]:
        assert (namespace, selector) == ("triton-dev", "job-name=enforcement-trial-x1")
        return []


def line_of(cluster: StandIn, *, again: bool = False, config: StackConfig = CONFIG) -> str | None:
    with trial(config, cluster, again=again) as verdict:  # type: ignore[arg-type]
        return verdict()


def test_a_cluster_that_enforces_is_asked_once_while_the_same_pods_serve() -> None:
    cluster = StandIn()

    assert line_of(cluster) is None
    assert cluster.asked == ["get", "create", "wait", "logs", "annotate", "delete"]
    cluster.asked.clear()
    cluster.serving.reverse()
    assert line_of(cluster) is None

    assert cluster.asked == ["get"]


def test_other_pods_are_tried_again_and_so_are_the_same_where_that_is_asked_for() -> None:
    cluster = StandIn()
    line_of(cluster)
    line_of(cluster, again=True)
    cluster.serving[0] = pod("d", "10.210.0.10")
    line_of(cluster)

    assert cluster.asked.count("create") == 3


def test_other_policies_are_another_trial_and_what_is_noted_on_one_is_not() -> None:
    cluster = StandIn()
    line_of(cluster)
    theirs = {"kind": "NetworkPolicy", "metadata": {"name": "theirs", "uid": "t", "generation": 1}}
    cluster.others.append(theirs)
    line_of(cluster)
    theirs["metadata"] = {"name": "theirs", "uid": "t", "generation": 2}
    line_of(cluster)
    theirs["metadata"] = {"name": "theirs", "uid": "t", "generation": 2, "annotations": {"a": "b"}}
    line_of(cluster)

    assert cluster.asked.count("create") == 3


def test_a_cluster_that_lets_everybody_in_is_one_line_each_time() -> None:
    cluster = StandIn("10.210.0.7")

    for _ in range(2):
        assert line_of(cluster) == (
            "NetworkPolicies keep nobody out: a pod that endpoint.admit does not name has entered Triton at 10.210.0.7;"
            " either its address is of a range that endpoint.admit names, or another policy admits it (kubectl get"
            " networkpolicies --namespace=triton-dev), or this cluster enforces none; accepted: a network plugin that"
            " does (docs/own-cluster.md), or, knowingly, in Pulumi.dev.yaml set cluster.networkPolicies: false"
        )
    assert cluster.asked.count("create") == 2
    assert "annotate" not in cluster.asked


def test_what_is_said_of_it_follows_what_is_proven_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = StandIn("10.210.0.7")
    try_during(lambda: cluster.asked.append("proof"), CONFIG, cluster)  # type: ignore[arg-type]
    assert cluster.asked[:4] == ["get", "create", "proof", "wait"]
    assert capsys.readouterr().err.startswith("NetworkPolicies keep nobody out: ")
    try_during(lambda: None, CONFIG, StandIn())  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""


def test_a_trial_goes_with_a_proof_that_has_failed() -> None:
    cluster = StandIn()

    def fails() -> None:
        raise CommandFailedError("the proof failed")

    with pytest.raises(CommandFailedError, match="proof"):
        try_during(fails, CONFIG, cluster)  # type: ignore[arg-type]
    assert cluster.asked == ["get", "create", "delete"]


@pytest.mark.parametrize("missing", ["policy", "pods", "key"])
def test_nothing_is_tried_where_nothing_is_forbidden_or_nothing_serves(missing: str) -> None:
    cluster = StandIn()
    config = CONFIG
    if missing == "policy":
        cluster.policy = None
    elif missing == "pods":
        cluster.serving[0]["metadata"]["deletionTimestamp"] = "now"
        del cluster.serving[1]["status"]["podIP"]
    else:
        off = CONFIG.cluster.model_copy(update={"network_policies": False})
        config = StackConfig(**(vars(CONFIG) | {"cluster": off}))
    assert line_of(cluster, config=config) is None
    assert cluster.asked == ([] if missing == "key" else ["get"])


def test_what_can_not_be_remembered_is_enforced_all_the_same() -> None:
    assert line_of(StandIn(fails="annotate")) is None


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (StandIn(fails="get", error=ForbiddenError), "'kubectl get' ended with status 1: no"),
        (StandIn(fails="create"), "'kubectl create' ended with status 1: no"),
        (StandIn(fails="wait"), "'kubectl wait' ended with status 1: no"),
        (StandIn(fails="logs"), "'kubectl logs' ended with status 1: no"),
        (StandIn(""), f"{JOB} has said nothing"),
        (StandIn("Traceback\nno socket"), "no socket"),
    ],
)
def test_what_keeps_it_from_being_tried_is_said_and_ends_nothing(cluster: StandIn, why: str) -> None:
    assert line_of(cluster) == (
        f"unknown: whether this cluster enforces NetworkPolicies could not be tried: {why}; going on"
    )


def test_the_job_is_what_restricted_pod_security_and_a_quota_ask() -> None:
    resources = CONFIG.serving.resources.model_copy(update={"cpu_limit": "2"})
    serving = CONFIG.serving.model_copy(
        update={
            "resources": resources,
            "labels": {"team": "vision"},
            "annotations": {"sidecar.istio.io/inject": "false"},
        }
    )
    config = StackConfig(**(vars(CONFIG) | {"serving": serving}))

    job = job_manifest(config, pod("a", "10.210.0.7"), ["10.210.0.7", "10.210.0.8"])

    assert job["metadata"] == {"generateName": "enforcement-trial-", "namespace": "triton-dev"}
    template = job["spec"].pop("template")
    assert job["spec"] == {"activeDeadlineSeconds": 60, "backoffLimit": 0, "ttlSecondsAfterFinished": 600}
    assert template["metadata"] == {
        "labels": {"team": "vision", "app.kubernetes.io/name": "enforcement-trial", "densenet-triton/plan": ""},
        "annotations": {"sidecar.istio.io/inject": "false"},
    }
    (container,) = template["spec"].pop("containers")
    assert template["spec"] == {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 1000,
            "fsGroup": 1000,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": "registry"}],
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["embedded"]}]}
                    ]
                }
            }
        },
    }
    assert container["image"] == "localhost/triton-cpu:1"
    assert container["command"][3:] == ["8080", "10.210.0.7", "10.210.0.8"]
    assert container["resources"] == {
        "requests": {"cpu": "50m", "memory": "64Mi"},
        "limits": {"memory": "128Mi", "cpu": "2"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def tries(script: str, port: int, *addresses: str) -> str:
    """What the trial prints that is given up after a second of silence, and after two seconds at most."""
    quick = script.replace(">= 3", ">= 0.2").replace(">= 10", ">= 0.6").replace("sleep(0.5)", "sleep(0.1)")
    assert quick != script
    command = [sys.executable, "-c", quick, str(port), *addresses]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def test_the_trial_names_whom_it_has_reached(open_port: int) -> None:
    (script,) = (container["command"][2] for container in containers())
    assert tries(script, open_port, "127.0.0.2", "127.0.0.1") == "127.0.0.1\n"
    assert tries(script, open_port, "127.0.0.2") == "nobody\n"


def test_a_way_that_is_shut_a_moment_later_is_shut() -> None:
    """As a pod's way is whose policies come a moment after it."""
    (script,) = (container["command"][2] for container in containers())
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shut_after_the_first() -> None:
            server.accept()[0].close()
            server.close()

        port = server.getsockname()[1]
        thread = threading.Thread(target=shut_after_the_first)
        thread.start()
        assert tries(script, port, "127.0.0.1") == "nobody\n"
        thread.join()


def containers() -> list[dict[str, Any]]:
    spec = job_manifest(CONFIG, pod("a", "10.210.0.7"), [])["spec"]["template"]["spec"]
    return list(spec["containers"])
