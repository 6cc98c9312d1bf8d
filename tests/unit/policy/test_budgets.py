"""Replicas and disruption budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from policy.budgets import budget_violations
from tests.unit.policy.objects import budget, replicas, resource

if TYPE_CHECKING:
    from policy.resource import Resource

OTHER = {"matchLabels": {"app.kubernetes.io/name": "other"}}


def found(number: int, *budgets: Resource) -> list[str]:
    return [violation.found for violation in budget_violations([replicas(number), *budgets])]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_the_components_budget_passes(number: int) -> None:
    assert found(number, budget(maxUnavailable=1)) == []


def test_one_replica_needs_no_budget() -> None:
    assert found(1) == []


@pytest.mark.parametrize("budgets", [[], [budget(maxUnavailable=1, selector=OTHER)]])
def test_several_replicas_need_one(budgets: list[Resource]) -> None:
    assert "2 replicas have no PodDisruptionBudget" in found(2, *budgets)[0]


@pytest.mark.parametrize(
    ("number", "spec"),
    [
        (1, {"maxUnavailable": 0}),
        (2, {"maxUnavailable": "0%"}),
        (1, {"minAvailable": 1}),
        (2, {"minAvailable": 2}),
        (3, {"minAvailable": "100%"}),
    ],
)
def test_a_budget_that_forbids_every_eviction_is_refused(number: int, spec: dict[str, Any]) -> None:
    assert f"forbids every eviction of {number} replicas" in found(number, budget(**spec))[0]


@pytest.mark.parametrize("spec", [{"maxUnavailable": 2}, {"maxUnavailable": "60%"}, {"minAvailable": 0}])
def test_a_budget_that_lets_all_go_at_once_is_refused(spec: dict[str, Any]) -> None:
    assert found(2, budget(**spec)) == ["allows all of 2 replicas to be evicted at once"]


@pytest.mark.parametrize("spec", [{"minAvailable": "50%"}, {"maxUnavailable": "50%"}, {"minAvailable": 1}])
def test_a_share_that_leaves_one_passes(spec: dict[str, Any]) -> None:
    assert found(2, budget(**spec)) == []


def test_a_budget_of_another_namespace_does_not_count() -> None:
    elsewhere = resource(
        "policy/v1:PodDisruptionBudget", dict(budget(maxUnavailable=1).props["spec"]), namespace="other"
    )
    assert len(found(2, elsewhere)) == 1
