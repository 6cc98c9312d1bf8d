"""What must hold between the door's keys and limits and what is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.config.faults import Fault
from infra.config.gateway_classes import Feature, classes_that_enforce, enforces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config.endpoints import Endpoint
    from infra.config.faults import StackFile


@dataclass(frozen=True, kw_only=True)
class Unenforced:
    """What a door is to hold back, and its gateway class can't.

    Attributes:
        key: dotted path from the group.
        found: what stands there, and what the class can't, in words.
        accepted: what may stand there.
    """

    key: str
    found: str
    accepted: str


def unenforced(endpoint: Endpoint, gateway_class: str | None, *, of: str) -> Iterator[Unenforced]:
    """Yield what a gateway class is asked for and is not known to do.

    Args:
        endpoint: the configuration group.
        gateway_class: its name.
        of: whose class it is, and which, in words that begin a sentence.
    """
    for key, found, feature in _wanted(endpoint):
        if not enforces(gateway_class, feature):
            yield Unenforced(
                key=key,
                found=f"{found}: {of} cannot {feature}",
                accepted=f"none, or gateway class {classes_that_enforce(feature)}",
            )


def _wanted(endpoint: Endpoint) -> Iterator[tuple[str, str, Feature]]:
    limits = endpoint.limits
    for name, value, feature in (
        ("bodyBytes", limits.body_bytes, Feature.BODY_LIMIT),
        ("requestsPerS", limits.requests_per_s, Feature.RATE_LIMIT),
        ("inFlight", limits.in_flight, Feature.IN_FLIGHT_LIMIT),
    ):
        if value is not None:
            yield f"endpoint.limits.{name}", f"is {value}", feature


def door_faults(endpoint: Endpoint | None, file: StackFile) -> Iterator[Fault]:
    """Yield what a Gateway of the stack's own can't enforce; whose class another has, is known when it is looked at.

    Args:
        endpoint: None where something in it is wrong by itself.
        file: the stack's file, for the edits that mend.
    """
    if endpoint is None or endpoint.gateway is not None or endpoint.gateway_class is None:
        return
    for found in unenforced(endpoint, endpoint.gateway_class, of=f"gateway class {endpoint.gateway_class}"):
        yield Fault(key=found.key, found=found.found, accepted=found.accepted, mend=file.removing(found.key))
