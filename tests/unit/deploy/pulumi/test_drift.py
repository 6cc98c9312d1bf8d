import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, DeployError, ForbiddenError
from deploy.pulumi.drift import put_back
from infra.config import Cluster as ClusterConfig
from tests.unit.deploy.stack_states import made, state_of, written

SPACE = made("Namespace", "triton-dev", namespace=None)
TRITON = made("Deployment", "triton", "apps/v1", spec={"replicas": 1})
JOB = made("Job", "plan-1", "batch/v1", spec={"backoffLimit": 0})
REPORT = made("ConfigMap", "plan-1")
CLAIM = made("PersistentVolumeClaim", "models", spec={"volumeName": "v"})
CLAIMS = {"PersistentVolumeClaim"}
VOLUME = made("PersistentVolume", "v", namespace=None, spec={"claimRef": {"name": "models", "namespace": "triton-dev"}})
MANIFEST = {"manifest.json": '{"schema": 1}'}
READ = {**made("ConfigMap", "plan-1")[0], "external": True, "inputs": {}, "outputs": {"data": MANIFEST}}
BOUND = written(VOLUME[1], "spec", "claimRef", "uid", value="uid-PersistentVolumeClaim-models")
REPORTED = {**written(REPORT[1], "metadata", "resourceVersion", value="2"), "data": MANIFEST}
STATE = state_of(SPACE[0], TRITON[0], JOB[0], REPORT[0], CLAIM[0], VOLUME[0], READ)
LIVE = [SPACE[1], TRITON[1], JOB[1], REPORTED, CLAIM[1], BOUND]


@dataclass(frozen=True, kw_only=True)
class StandIn(Cluster):
    """A cluster with objects; it does what kubectl is told to them, and keeps it."""

    config: ClusterConfig = field(default_factory=lambda: ClusterConfig(context="c", namespace="triton-dev"))
    environment: dict[str, str] = field(default_factory=dict)
    objects: list[dict[str, Any]]
    mounting: list[dict[str, Any]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)

    def kubectl(self, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        assert timeout_s
        self.asked.append(arguments)
        if input_text:
            self.given.append(json.loads(input_text))
        for refused, why in self.refuses.items():
            if any(refused in argument for argument in arguments):
                raise (ForbiddenError if "(Forbidden)" in why else CommandFailedError)(why)
        if arguments[0] == "wait":
            self.objects[:] = [each for each in self.objects if "deletionTimestamp" not in each["metadata"]]
        if arguments[0] != "get":
            return ""
        if arguments[1] == "pods":
            return json.dumps({"items": self.mounting})
        items = [each for each in self.objects if any(self._is_meant(each, argument) for argument in arguments)]
        if "--output=jsonpath={.metadata.uid}" in arguments:
            return next((each["metadata"]["uid"] for each in self.objects if each["kind"] in CLAIMS), "")
        if not items:
            return ""
        return json.dumps(items[0] if len(items) == 1 else {"items": items})

    def _is_meant(self, live: dict[str, Any], argument: str) -> bool:
        return argument.partition(".")[0] == live["kind"] and argument.endswith(f"/{live['metadata']['name']}")

    def changes(self) -> list[str]:
        return [" ".join(arguments) for arguments in self.asked if arguments[0] != "get"]


def refreshed(cluster: StandIn, state: dict[str, Any] = STATE) -> list[Sequence[str]]:
    """What Pulumi is told to look at again."""
    looks: list[Sequence[str]] = []
    put_back(state, cluster, looks.append, stack="dev")
    return looks


def without(*gone: dict[str, Any]) -> StandIn:
    return StandIn(objects=[each for each in LIVE if all(each["metadata"] != one["metadata"] for one in gone)])


def urn(made_object: Any) -> str:
    return str(made_object[0]["urn"])


def test_where_nothing_differs_one_question_is_all() -> None:
    cluster = StandIn(objects=LIVE)

    assert refreshed(cluster) == []
    assert len(cluster.asked) == 1


def test_a_stack_that_was_never_deployed_is_not_asked_about() -> None:
    cluster = StandIn(objects=LIVE)

    assert refreshed(cluster, state_of()) == []
    assert cluster.asked == []


def test_what_was_scaled_or_deleted_is_looked_at_again_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    scaled = StandIn(objects=[written(TRITON[1], "spec", "replicas", value=0), *without(TRITON[1]).objects])

    assert refreshed(scaled) == [(urn(TRITON),)]
    assert refreshed(without(TRITON[1])) == [(urn(TRITON),)]
    assert capsys.readouterr().err.splitlines() == [
        "Deployment triton: spec.replicas is 0, and 1 is declared; it is put back",
        "Deployment triton: it is gone; it is put back",
    ]


def test_a_deleted_job_of_a_reported_plan_does_not_run_again() -> None:
    assert refreshed(without(JOB[1])) == []


def test_a_deleted_job_without_a_report_runs_again() -> None:
    state = state_of(SPACE[0], JOB[0], REPORT[0])

    assert refreshed(without(JOB[1], REPORTED), state) == [(urn(JOB), urn(REPORT))]


def test_a_deleted_report_is_written_again_as_pulumi_has_read_it(capsys: pytest.CaptureFixture[str]) -> None:
    """No Job runs for it, and so no GPU is needed."""
    cluster = without(REPORTED, JOB[1])

    assert refreshed(cluster) == []
    assert cluster.given == [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "plan-1", "namespace": "triton-dev"},
            "data": MANIFEST,
        }
    ]
    assert "ConfigMap plan-1: the plan's report is gone; it is written again" in capsys.readouterr().err


def test_a_report_that_was_emptied_is_written_again() -> None:
    cluster = StandIn(objects=[*without(REPORTED).objects, REPORT[1]])

    assert refreshed(cluster) == []
    assert len(cluster.given) == 1


def test_a_report_that_nobody_has_read_makes_the_job_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    done = {**JOB[1], "status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    cluster = StandIn(objects=[*without(REPORTED, JOB[1]).objects, done])

    assert refreshed(cluster, state_of(SPACE[0], JOB[0], REPORT[0])) == [(urn(JOB), urn(REPORT))]
    assert cluster.changes() == ["delete job/plan-1 --namespace=triton-dev --ignore-not-found"]
    assert "Job plan-1 runs again" in capsys.readouterr().err


def test_a_job_that_has_not_succeeded_is_left_to_pulumi() -> None:
    cluster = StandIn(objects=[*without(REPORTED).objects, REPORT[1]])

    assert refreshed(cluster, state_of(SPACE[0], JOB[0], REPORT[0])) == []
    assert cluster.changes() == []


def test_pods_that_were_refused_are_tried_again_now(capsys: pytest.CaptureFixture[str]) -> None:
    """Kubernetes waits longer and longer between its tries, up to minutes."""
    refused = {**TRITON[1], "status": {"conditions": [{"type": "ReplicaFailure", "status": "True"}]}}
    cluster = StandIn(objects=[*without(TRITON[1]).objects, refused])

    assert refreshed(cluster) == []
    [change] = cluster.changes()
    assert change.startswith("annotate replicasets.apps densenet-triton/tried-at=")
    assert capsys.readouterr().err == ""


def test_who_may_not_have_them_tried_again_waits_for_kubernetes(capsys: pytest.CaptureFixture[str]) -> None:
    refused = {**TRITON[1], "status": {"conditions": [{"type": "ReplicaFailure", "status": "True"}]}}
    cluster = StandIn(objects=[*without(TRITON[1]).objects, refused], refuses={"annotate": "(Forbidden)"})

    assert refreshed(cluster) == []
    assert capsys.readouterr().err.startswith("unknown: what holds pods back can't be tried again at once")


def test_pods_that_kubernetes_lets_wait_are_made_anew() -> None:
    def pod(name: str, **state: Any) -> dict[str, Any]:
        return {"metadata": {"name": name}, "status": {"containerStatuses": [{"name": "triton", "state": state}]}}

    waits = {**TRITON[1], "status": {"unavailableReplicas": 1}}
    pods = [pod("a", running={}), pod("b", waiting={"reason": "ImagePullBackOff"})]
    cluster = StandIn(objects=[*without(TRITON[1]).objects, waits], mounting=pods)

    assert refreshed(cluster) == []
    assert cluster.changes() == ["delete pod b --namespace=triton-dev --ignore-not-found --wait=false"]


def test_with_the_namespace_gone_or_another_everything_is_looked_at_again() -> None:
    another = written(SPACE[1], "metadata", "uid", value="uid-other")
    cluster = StandIn(objects=[another, BOUND])

    assert refreshed(StandIn(objects=[VOLUME[1]])) == [()]
    assert refreshed(cluster) == [()]
    assert cluster.given == []


def test_a_volume_whose_claim_is_gone_is_free_for_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = without(CLAIM[1])

    assert refreshed(cluster) == [(urn(CLAIM),)]
    assert cluster.changes() == [
        'patch persistentvolume v --type=json --patch=[{"op": "remove", "path": "/spec/claimRef/uid"}]'
    ]
    assert "PersistentVolume v: its claim is gone" in capsys.readouterr().err


def test_a_volume_whose_claim_may_only_not_be_known_stays_its_own() -> None:
    """The state has lost the claim; it is bound all the same."""
    cluster = StandIn(objects=LIVE)

    assert refreshed(cluster, state_of(SPACE[0], VOLUME[0])) == []
    assert cluster.changes() == []


def test_what_is_being_deleted_is_waited_for() -> None:
    going = written(SPACE[1], "metadata", "deletionTimestamp", value="2026-01-01T00:00:00Z")
    cluster = StandIn(objects=[*without(SPACE[1]).objects, going])

    assert refreshed(cluster) == [()]
    assert cluster.changes() == ["wait Namespace.v1./triton-dev --for=delete --timeout=60s"]


def test_what_does_not_go_is_an_error_that_says_where_to_look() -> None:
    going = written(SPACE[1], "metadata", "deletionTimestamp", value="2026-01-01T00:00:00Z")
    cluster = StandIn(objects=[going], refuses={"--for=delete": "timed out waiting for the condition"})

    with pytest.raises(DeployError, match="Namespace triton-dev is being deleted and is not gone after 60 s") as error:
        refreshed(cluster)

    assert "kubectl get namespace triton-dev --output=yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_claim_that_pods_hold_is_not_waited_for() -> None:
    going = written(CLAIM[1], "metadata", "deletionTimestamp", value="2026-01-01T00:00:00Z")
    volumes = [{"name": "storage", "persistentVolumeClaim": {"claimName": "models"}}]
    pod = {"metadata": {"name": "triton-1"}, "spec": {"nodeName": "n", "volumes": volumes}}
    cluster = StandIn(objects=[*without(CLAIM[1]).objects, going], mounting=[pod])

    with pytest.raises(DeployError, match=r"pods hold it: triton-1; .*kubectl delete pod triton-1"):
        refreshed(cluster)


def test_what_may_not_be_read_is_said_and_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    forbidden = 'Error from server (Forbidden): persistentvolumes "v" is forbidden'
    cluster = StandIn(objects=without(TRITON[1]).objects, refuses={"PersistentVolume.": forbidden})

    assert refreshed(cluster) == [(urn(TRITON),)]
    assert f"PersistentVolume: not compared with the stack's state: {forbidden}" in capsys.readouterr().err


def test_an_object_whose_kind_the_cluster_does_not_have_is_gone() -> None:
    cluster = StandIn(objects=LIVE, refuses={"Deployment": 'the server doesn\'t have a resource type "Deployment"'})

    assert refreshed(cluster) == [(urn(TRITON),)]


def test_a_cluster_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(DeployError, match="could not be looked at: connection refused"):
        refreshed(StandIn(objects=LIVE, refuses={"": "connection refused"}))
