"""Surge where a replica's GPUs are spare, replace where not, and what either means for traffic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.config.node_pools import ExistingNodePool
from infra.config.rollout import REPLACE, SURGE, Rollout, announcement, downtime_s, rollout_from_groups
from infra.config.serving import Serving
from infra.config.timeouts import Timeouts

TIMEOUTS = Timeouts(
    exit_timeout_s=30,
    pre_stop_s=10,
    grace_s=75,
    placement_s=100,
    startup_s=200,
    rollout_s=400,
    build_s=900,
    replicas=1,
    ends_first=True,
)


@pytest.mark.parametrize(("gpus", "spare", "rollout"), [(0, 0, SURGE), (1, 0, REPLACE), (1, 1, SURGE), (2, 2, SURGE)])
def test_the_declared_room_decides(gpus: int, spare: int, rollout: Rollout) -> None:
    serving = Serving(image="triton-cpu", gpusPerReplica=gpus)
    assert rollout_from_groups(serving, ExistingNodePool(kind="existing", spareGpus=spare)) == rollout


def test_a_surge_announces_no_downtime() -> None:
    assert "surge" in announcement(SURGE, TIMEOUTS)
    assert "no downtime" in announcement(SURGE, TIMEOUTS)


def test_the_only_replica_announces_its_downtime() -> None:
    assert announcement(REPLACE, TIMEOUTS).endswith("expect downtime: nothing serves for up to 375 s")


def test_of_several_replicas_the_others_serve() -> None:
    text = announcement(REPLACE, replace(TIMEOUTS, replicas=3))
    assert text.endswith("2 of 3 replicas serve for up to 1125 s, no downtime expected")


def test_only_a_replica_that_is_replaced_alone_is_an_outage() -> None:
    assert downtime_s(REPLACE, TIMEOUTS) == 375
    assert downtime_s(SURGE, TIMEOUTS) == 0
    assert downtime_s(REPLACE, replace(TIMEOUTS, replicas=2)) == 0
