"""Pulumi waits longer than Kubernetes, and Kubernetes longer than Triton."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.config.timeouts import Timeouts, broken_links

WHOLE = Timeouts(
    exit_timeout_s=30,
    pre_stop_s=10,
    grace_s=41,
    placement_s=100,
    startup_s=200,
    rollout_s=301,
    build_s=101,
    replicas=3,
    ends_first=False,
)


def broken(timeouts: Timeouts) -> dict[str, tuple[int, str, int]]:
    return {link.key: (link.is_s, link.above, link.needed_s) for link in broken_links(timeouts)}


def test_a_second_above_is_enough() -> None:
    assert broken(WHOLE) == {}


@pytest.mark.parametrize(
    ("key", "timeouts", "link"),
    [
        ("serving.shutdown.graceS", replace(WHOLE, grace_s=40), (40, "preStopS + exitTimeoutS", 40)),
        ("serving.rolloutTimeoutS", replace(WHOLE, rollout_s=300), (300, "placementTimeoutS + startupTimeoutS", 300)),
        (
            "serving.rolloutTimeoutS",
            replace(WHOLE, ends_first=True),
            (301, "placementTimeoutS + startupTimeoutS + shutdown.graceS", 341),
        ),
        ("model.buildTimeoutS", replace(WHOLE, build_s=100), (100, "serving.placementTimeoutS", 100)),
    ],
)
def test_a_link_that_ends_with_what_it_waits_for_is_broken(
    key: str, timeouts: Timeouts, link: tuple[int, str, int]
) -> None:
    assert broken(timeouts) == {key: link}


def test_all_broken_links_are_named() -> None:
    assert len(broken(replace(WHOLE, grace_s=1, rollout_s=1, build_s=1))) == 3


def test_pulumi_waits_for_each_replica_and_for_kubernetes_report() -> None:
    assert WHOLE.pulumi_rollout_s == 3 * 301 + 10
    assert WHOLE.pulumi_build_s == 101 + 60
