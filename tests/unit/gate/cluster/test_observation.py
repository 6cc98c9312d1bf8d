from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.errors import ForbiddenError
from gate.cluster.observation import deployed_template, first_ready, plan_of_template, pods_and_nodes, ready_pods
from tests.unit.gate.stand_in import StandInCluster

BEGAN = datetime(2026, 11, 23, 1, 0, 30, 500_000, tzinfo=UTC)


def pod(created: str, ready: str | None, *, template: str = "new", phase: str = "Running") -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": ready or created}
    return {
        "metadata": {"creationTimestamp": created, "labels": {"pod-template-hash": template}},
        "status": {"phase": phase, "conditions": [condition]},
    }


def at(second: int) -> str:
    return f"2026-11-23T01:00:{second:02}Z"


def test_traffic_may_have_come_since_the_first_new_pod_was_ready() -> None:
    pods = [pod(at(30), at(40)), pod(at(31), at(35)), pod(at(32), None), pod(at(1), at(5), template="old")]

    assert first_ready(pods, BEGAN) == datetime(2026, 11, 23, 1, 0, 35, tzinfo=UTC)


@pytest.mark.parametrize(
    "pods",
    [[], [pod(at(1), at(5))], [pod(at(31), None)], [pod(at(31), at(35), phase="Failed")]],
    ids=["none", "older than the run", "not ready", "evicted"],
)
def test_no_traffic_has_come_to_what_was_never_ready(pods: list[dict[str, Any]]) -> None:
    assert first_ready(pods, BEGAN) is None


def test_the_deployed_plan_is_the_templates() -> None:
    cluster = StandInCluster()
    assert deployed_template(cluster) is None
    assert plan_of_template(None) is None

    template = {"metadata": {"labels": {"densenet-triton/plan": "0123456789abcdef"}}}
    cluster.objects["deployment", "triton"] = {"spec": {"template": template}}
    assert deployed_template(cluster) == template
    assert plan_of_template(template) == "0123456789abcdef"


def test_a_pod_gets_traffic_while_it_is_ready_and_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = [pod(at(1), at(5)), pod(at(2), None), pod(at(3), at(5), phase="Failed"), pod(at(4), at(5))]
    for name, each in zip("abcd", pods, strict=True):
        each["metadata"]["name"] = name
    pods[3]["metadata"]["deletionTimestamp"] = at(6)
    monkeypatch.setattr(StandInCluster, "pods", lambda *_: pods)

    assert ready_pods(StandInCluster()) == ["a"]


def test_nodes_that_may_not_be_read_are_left_out_of_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = [pod(at(30), at(40))]

    def forbidden(_cluster: StandInCluster) -> list[dict[str, Any]]:
        raise ForbiddenError("Error from server (Forbidden): nodes is forbidden")

    monkeypatch.setattr(StandInCluster, "pods", lambda *_: mine)
    monkeypatch.setattr(StandInCluster, "nodes", forbidden)

    assert pods_and_nodes(StandInCluster(), "triton") == (mine, [])
