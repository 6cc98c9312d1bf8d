from typing import Any

import pytest

from gate.errors import GateError, RefusedError
from gate.evidence import json_from_evidence
from gate.releases import Release, Releases, table_from_releases
from tests.unit.gate.runs import good_run, subject
from tests.unit.gate.stand_in import StandInCluster

CONFIG = {"densenet-triton:model": {"name": "densenet_tensorrt", "target": "onnxruntime"}}


def release(number: int, **changes: Any) -> Release:
    return Release(id=f"20261123T01120{number}Z", subject=subject(), config=CONFIG, **changes)


@pytest.fixture
def releases() -> Releases:
    kept = Releases(cluster=StandInCluster(), key="triton-staging", stack="staging")
    for number in range(3):
        kept.add(release(number), "{}")
    return kept


def test_the_newest_is_the_last_good_one(releases: Releases) -> None:
    assert releases.last() == release(2)
    assert [each.id[-2] for each in releases.all()] == ["2", "1", "0"]


def test_there_is_no_last_good_one_before_the_first() -> None:
    assert Releases(cluster=StandInCluster(), key="k", stack="s").last() is None


def test_one_that_is_not_kept_is_refused_with_those_that_are(releases: Releases) -> None:
    releases.remove([release(1)])

    with pytest.raises(RefusedError, match=r"'20261123T011201Z' of stack staging is not kept; .*20261123T011202Z"):
        releases.get("20261123T011201Z")
    assert releases.get("20261123t011202z") == release(2)


@pytest.mark.parametrize("text", ['{"schema": 2}', "{}", '{"schema": 1, "id": "x"}'])
def test_a_release_of_another_schema_is_refused(releases: Releases, text: str) -> None:
    cluster = releases.cluster
    assert isinstance(cluster, StandInCluster)
    cluster.objects["configmap", "triton-staging.20261123t011202z"]["data"]["release"] = text

    with pytest.raises(
        RefusedError, match=r"is of schema .*, or damaged; accepted: schema 1; .*kubectl delete configmap"
    ):
        releases.last()


def test_a_release_is_deployed_again_with_its_plan_pinned() -> None:
    model = {"name": "densenet_tensorrt", "target": "onnxruntime", "plan": subject().plan_id}
    assert release(0).pinned_config == {"densenet-triton:model": model}


def test_the_table_says_which_is_the_last_good_one_and_what_came_back() -> None:
    kept = [release(1, restores="20261123T011200Z"), release(0)]

    header, first, second = table_from_releases([(each, good_run()) for each in kept]).splitlines()

    assert header.split() == ["RELEASE", "PROVEN", "COMMIT", "PLAN", "GPU"]
    assert "2026-11-23 01:14" in first
    assert first.endswith("last good; brought back 20261123T011200Z")
    assert second.endswith("NVIDIA-H800")


def test_each_release_has_the_evidence_of_its_run() -> None:
    kept = Releases(cluster=StandInCluster(), key="triton-staging", stack="staging")
    kept.add(release(0), json_from_evidence(good_run()))

    assert kept.with_evidence() == [(release(0), good_run())]


def test_evidence_of_another_schema_is_named(releases: Releases) -> None:
    with pytest.raises(GateError, match=r"triton-staging.20261123t011202z is evidence of schema null; accepted: .* 1"):
        releases.with_evidence()
