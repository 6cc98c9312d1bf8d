"""Requests, memory limits and sizes."""

from __future__ import annotations

from typing import Any

import pytest

from policy.limits import limit_violations
from tests.unit.policy.objects import deployment, job, workload


def test_what_the_components_declare_passes() -> None:
    assert list(limit_violations(deployment())) == []
    assert list(limit_violations(job())) == []


@pytest.mark.parametrize(
    ("resources", "missing"),
    [
        ({}, "no requests.cpu, no requests.memory, no limits.memory"),
        ({"requests": {"cpu": "1", "memory": "1Gi"}}, "no limits.memory"),
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}, "no requests.cpu"),
    ],
)
def test_what_is_missing_is_named(resources: dict[str, Any], missing: str) -> None:
    (violation,) = limit_violations(deployment(resources=resources))
    assert violation.line.startswith(f"Deployment triton-x/triton, container triton: has {missing}; accepted: ")
    assert "set serving.resources" in violation.mend


def test_a_build_is_held_to_the_same() -> None:
    (violation,) = limit_violations(job(resources={}))
    assert "set model.buildResources" in violation.mend


def test_a_volume_in_memory_needs_a_size() -> None:
    def add(volume: dict[str, Any]) -> list[Any]:
        return list(
            limit_violations(workload(lambda spec: spec["volumes"].append({"name": "shm", "emptyDir": volume})))
        )

    assert add({"medium": "Memory", "sizeLimit": "256Mi"}) == []
    assert len(add({"medium": "Memory"})) == 1
