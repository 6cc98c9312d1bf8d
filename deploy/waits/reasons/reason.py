"""One reason, and how long it may hold before waiting on is of no use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Part = Literal["build", "serving", "storage", "endpoint"]
"""What waits: the Job, Triton's pods, the claim, the Gateway with its route."""

SOON_S = 5
"""For what Kubernetes refuses by a rule: it holds until somebody changes the rule."""

LATER_S = 15
"""For what another controller may still be about to mend, such as an account that is being made."""

RESYNCED_S = 20
"""For a claim: what may have been mended meanwhile is looked at again every 15 s."""

RETRIED_S = 60
"""For what fails by others' doing, and is tried again by Kubernetes."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a stack's configuration waits for what others give. In seconds.

    Attributes:
        placement_s: for a node and an image.
        ending_s: for pods that end and give back what they hold.
    """

    placement_s: float
    ending_s: float


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something waits or has failed.

    Attributes:
        part: what waits for it.
        where: the object, such as ``pod triton-1``.
        kind: the sort of reason: one that comes in other words again is the same.
        why: Kubernetes' own words, in one line.
        cure: the key or the command that mends it, where one is known.
        patience_s: how long it may hold; None where it may pass by itself at any time.
    """

    part: Part
    where: str
    kind: str
    why: str
    cure: str = ""
    patience_s: float | None = None

    @property
    def line(self) -> str:
        """As a person reads it."""
        return f"{self.where}: {self.why}" + (f"; {self.cure}" if self.cure else "")


def last_event(events: Iterable[Mapping[str, Any]], kind: str, name: str, *reasons: str) -> str | None:
    """Return the newest message of an object's events for one of these reasons; None where there is none.

    Args:
        events: as the API gives them.
        kind: of the object.
        name: of the object.
        reasons: of the events.
    """
    found = [
        event
        for event in events
        if event["involvedObject"].get("kind") == kind
        and event["involvedObject"].get("name") == name
        and event.get("reason") in reasons
    ]
    newest = max(found, key=_when, default=None)
    return None if newest is None else " ".join(str(newest.get("message", "")).split())


def _when(event: Mapping[str, Any]) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])
