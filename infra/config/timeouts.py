"""The chain of timeouts: Pulumi waits longer than Kubernetes, and Kubernetes longer than Triton."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config.groups import Model
    from infra.config.serving import Serving

_ROLLOUT_REPORT_S = 10
_BUILD_REPORT_S = 60
"""How much longer Pulumi waits than Kubernetes, so that Kubernetes' own reason is what is read."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """What waits for what. All in seconds.

    Attributes:
        exit_timeout_s: Triton's, for requests in flight when it is told to end.
        pre_stop_s: from a pod's deletion until Triton is told so.
        grace_s: Kubernetes' patience with a pod that ends.
        placement_s: from a pod's creation to its container's start.
        startup_s: from its start to its proven answer.
        rollout_s: Kubernetes' patience with a Deployment without progress.
        build_s: Kubernetes' patience with a build.
        replicas: pods of the Deployment, of which one after the other is replaced.
        ends_first: whether a pod ends before its successor gets its GPU.
    """

    exit_timeout_s: int
    pre_stop_s: int
    grace_s: int
    placement_s: int
    startup_s: int
    rollout_s: int
    build_s: int
    replicas: int
    ends_first: bool

    @property
    def turn_s(self) -> int:
        """The longest time from one pod's end to its successor's proven answer."""
        return self.grace_s + self.placement_s + self.startup_s

    @property
    def pulumi_rollout_s(self) -> int:
        """Pulumi's patience with the Deployment."""
        return self.replicas * self.rollout_s + _ROLLOUT_REPORT_S

    @property
    def pulumi_build_s(self) -> int:
        """Pulumi's patience with the build."""
        return self.build_s + _BUILD_REPORT_S


def timeouts_from_groups(model: Model, serving: Serving, *, ends_first: bool) -> Timeouts:
    """Gather the chain from a stack's groups.

    Args:
        model: has the build's.
        serving: has the pods'.
        ends_first: whether a pod ends before its successor gets its GPU.
    """
    return Timeouts(
        exit_timeout_s=serving.shutdown.exit_timeout_s,
        pre_stop_s=serving.shutdown.pre_stop_s,
        grace_s=serving.shutdown.grace_s,
        placement_s=serving.placement_timeout_s,
        startup_s=serving.startup_timeout_s,
        rollout_s=serving.rollout_timeout_s,
        build_s=model.build_timeout_s,
        replicas=serving.replicas,
        ends_first=ends_first,
    )


@dataclass(frozen=True, kw_only=True)
class BrokenLink:
    """A timeout that ends before what it waits for.

    Attributes:
        key: dotted key of the configuration.
        is_s: what it is.
        above: the keys whose sum it must exceed, in words.
        needed_s: that sum.
    """

    key: str
    is_s: int
    above: str
    needed_s: int


def broken_links(timeouts: Timeouts) -> Iterator[BrokenLink]:
    """Yield each timeout of the chain that does not exceed what it waits for.

    Pulumi's own are computed and can't be broken.
    """
    ended_s, ended = (timeouts.grace_s, " + shutdown.graceS") if timeouts.ends_first else (0, "")
    chain = (
        (
            "serving.shutdown.graceS",
            timeouts.grace_s,
            "preStopS + exitTimeoutS",
            timeouts.pre_stop_s + timeouts.exit_timeout_s,
        ),
        (
            "serving.rolloutTimeoutS",
            timeouts.rollout_s,
            f"placementTimeoutS + startupTimeoutS{ended}",
            timeouts.placement_s + timeouts.startup_s + ended_s,
        ),
        ("model.buildTimeoutS", timeouts.build_s, "serving.placementTimeoutS", timeouts.placement_s),
    )
    for key, is_s, above, needed_s in chain:
        if is_s <= needed_s:
            yield BrokenLink(key=key, is_s=is_s, above=above, needed_s=needed_s)
