"""How an update replaces serving pods: by the room that the stack declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.config.node_pools import NodePool
    from infra.config.serving import Serving
    from infra.config.timeouts import Timeouts


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The Deployment's strategy, in whole pods.

    Attributes:
        max_surge: pods above the replicas while an update runs.
        max_unavailable: replicas that may be missing meanwhile.
    """

    max_surge: int
    max_unavailable: int

    @property
    def ends_first(self) -> bool:
        """Whether a pod ends before its successor gets its GPUs."""
        return self.max_surge == 0


SURGE = Rollout(max_surge=1, max_unavailable=0)
"""A new pod is Ready before an old one goes: for pods without a GPU, and where a replica's GPUs are spare."""

REPLACE = Rollout(max_surge=0, max_unavailable=1)
"""An old pod goes, and its GPUs become the new one's: where none is spare, a surge would wait for ever."""


def rollout_from_groups(serving: Serving, pool: NodePool) -> Rollout:
    """Surge where one more replica finds its GPUs, replace where not."""
    return SURGE if pool.spare_gpus >= serving.gpus_per_replica else REPLACE


def downtime_s(rollout: Rollout, timeouts: Timeouts) -> int:
    """How long nothing may serve while an update replaces the pods, in seconds; 0 where a replica always serves."""
    alone = rollout.ends_first and timeouts.replicas == 1
    return timeouts.turn_s if alone else 0


def announcement(rollout: Rollout, timeouts: Timeouts) -> str:
    """What an update of the pods means for traffic, in one line."""
    if not rollout.ends_first:
        return "rollout: surge; a new pod is proven before an old one ends, no downtime expected"
    how = "rollout: replace, for no GPU is declared spare; a pod ends before its successor starts, so when pods change"
    replicas = timeouts.replicas
    if outage_s := downtime_s(rollout, timeouts):
        return f"{how}, expect downtime: nothing serves for up to {outage_s} s"
    turns_s = replicas * timeouts.turn_s
    return f"{how}, {replicas - 1} of {replicas} replicas serve for up to {turns_s} s, no downtime expected"
