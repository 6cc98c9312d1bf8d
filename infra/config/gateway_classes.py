"""What a gateway class can enforce beyond what the Gateway API asks of all of them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Feature(StrEnum):
    """What not every class can do, in words that follow "it cannot"."""

    HEADER_EXPRESSIONS = "match a header by a regular expression"
    BODY_LIMIT = "bound a request's body"
    RATE_LIMIT = "bound a client's requests a second"
    IN_FLIGHT_LIMIT = "bound a client's requests in flight"
    KEYS = "ask clients for keys"


_FEATURES: Mapping[str, frozenset[Feature]] = {
    "traefik": frozenset(Feature),  # by its middlewares; 3.6 has them all
    "eg": frozenset({Feature.HEADER_EXPRESSIONS}),  # Envoy Gateway
    "istio": frozenset({Feature.HEADER_EXPRESSIONS}),
}
"""By the names that the controllers' own documentation gives their classes. Of any other class nothing is known."""


def enforces(gateway_class: str | None, feature: Feature) -> bool:
    """Whether a class of this name is known to be able to do something."""
    return gateway_class is not None and feature in _FEATURES.get(gateway_class, frozenset())


def classes_that_enforce(*features: Feature) -> str:
    """The names of the classes that can do all of this, as a message lists them."""
    return ", ".join(sorted(name for name, known in _FEATURES.items() if known.issuperset(features)))
