"""Replicas and disruption budget consistent: a node can always be drained, and never takes the last replica along."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policy.resource import Resource

_MEND = "infra/components/triton.py has the budget: maxUnavailable 1"


def budget_violations(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Yield each Deployment whose disruption budget is missing, forbids every eviction, or allows all at once."""
    budgets = [resource for resource in resources if resource.kind == "PodDisruptionBudget"]
    for deployment in resources:
        if deployment.kind != "Deployment":
            continue
        replicas = int(at(deployment.props, "spec", "replicas", default=1))
        own = [budget for budget in budgets if _covers(budget, deployment)]
        if replicas > 1 and not own:
            yield Violation(
                resource=deployment,
                found=f"{replicas} replicas have no PodDisruptionBudget, so that draining nodes may end all at once",
                accepted="a PodDisruptionBudget with maxUnavailable 1 over the Deployment's pods",
                mend=_MEND,
            )
        for budget in own:
            yield from _amount_violations(budget, replicas)


def _amount_violations(budget: Resource, replicas: int) -> Iterator[Violation]:
    evicted = _evictable(at(budget.props, "spec", default={}), replicas)
    if evicted < 1:
        yield Violation(
            resource=budget,
            found=f"forbids every eviction of {replicas} replicas, so that no node with one can be drained",
            accepted="maxUnavailable of at least 1",
            mend=_MEND,
        )
    elif 1 < replicas <= evicted:
        yield Violation(
            resource=budget,
            found=f"allows all of {replicas} replicas to be evicted at once",
            accepted=f"maxUnavailable of 1 to {replicas - 1}",
            mend=_MEND,
        )


def _evictable(spec: Mapping[str, Any], replicas: int) -> int:
    """How many replicas may go at once; Kubernetes rounds both percentages up."""
    if (kept := at(spec, "minAvailable", default=None)) is not None:
        return replicas - _amount(kept, replicas)
    return _amount(at(spec, "maxUnavailable", default=1), replicas)


def _amount(value: Any, replicas: int) -> int:
    text = str(value)
    return math.ceil(float(text[:-1]) * replicas / 100) if text.endswith("%") else int(float(text))


def _covers(budget: Resource, deployment: Resource) -> bool:
    selector = at(budget.props, "spec", "selector", default={})
    wanted = at(selector, "matchLabels", default={})
    labels = at(deployment.pod or {}, "metadata", "labels", default={})
    same = [at(resource.props, "metadata", "namespace", default="") for resource in (budget, deployment)]
    return same[0] == same[1] and bool(wanted) and wanted.items() <= labels.items()
