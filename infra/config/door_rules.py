"""What must hold between the door's keys and limits and what is behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.config.clients import ACCEPTED_KEY, ACCEPTED_NAME, client_of, is_client_key, is_client_name
from infra.config.faults import Fault, shown
from infra.config.gateway_classes import Feature, classes_that_enforce, enforces
from infra.config.secrets import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from infra.config.endpoints import Endpoint, Limits
    from infra.config.faults import StackFile
    from infra.config.inspection import ModelFacts

KEYS_SENT_OPENLY = "has keys, and by plain HTTP everybody on the way can read them"

_FLOAT32_BYTES = 4
_HEADER_BYTES = 1024  # more than a request's own JSON has


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
    if endpoint.clients:
        yield CLIENTS, "has keys", Feature.KEYS


def door_faults(endpoint: Endpoint | None, file: StackFile) -> Iterator[Fault]:
    """Yield what a Gateway of the stack's own can't hold; what another one can, is known when it is looked at.

    Args:
        endpoint: None where something in it is wrong by itself.
        file: the stack's file, for the edits that mend.
    """
    if endpoint is None or endpoint.gateway is not None:
        return
    if endpoint.gateway_class is not None:
        for found in unenforced(endpoint, endpoint.gateway_class, of=f"gateway class {endpoint.gateway_class}"):
            yield Fault(key=found.key, found=found.found, accepted=found.accepted, mend=_mend(found.key, file))
    if sends_keys_openly(endpoint, is_https=endpoint.tls is not None):
        yield Fault(
            key=CLIENTS,
            found=KEYS_SENT_OPENLY,
            accepted="endpoint.tls, or endpoint.acceptPlainHttp: true, knowingly",
            mend=file.setting("endpoint.acceptPlainHttp", value=True),
        )


def _mend(key: str, file: StackFile) -> str:
    """A limit goes where its class knows none; a door that has keys is not left without, though."""
    if key == CLIENTS:
        return file.setting("endpoint.gatewayClass", classes_that_enforce(Feature.KEYS))
    return file.removing(key)


def sends_keys_openly(endpoint: Endpoint, *, is_https: bool) -> bool:
    """Whether clients would send their keys for all to read, and nobody has said that this is known."""
    return bool(endpoint.clients) and not is_https and not endpoint.accept_plain_http


def client_faults(right: Mapping[str, Any], *, sealed: Collection[str], file: StackFile) -> Iterator[Fault]:
    """Yield each client whose name or key can't be one; no key is shown.

    Args:
        right: values that are right by themselves, by dotted key.
        sealed: the dotted keys of what is secret.
        file: the stack's file, for the edits that mend.
    """
    for name, key in (right.get(CLIENTS) or {}).items():
        place, client = f"{CLIENTS}.{name}", client_of(name)
        made = f"make client ADD={client} STACK={file.stack}"
        if not is_client_name(name):
            yield Fault(
                key=CLIENTS, found=f"has {shown(name)}", accepted=ACCEPTED_NAME, mend=f"in {file.name} rename it"
            )
        elif place not in sealed:
            yield Fault(
                key=place, found="is a key that is not encrypted", accepted="a secret of Pulumi's, secure:", mend=made
            )
        elif not is_client_key(key.get_secret_value()):
            found = f"is a key of {len(key.get_secret_value())} characters that cannot be one"
            dropped = f"make client DROP={name} STACK={file.stack}"
            yield Fault(key=place, found=found, accepted=ACCEPTED_KEY, mend=f"{dropped}, then {made}")


def request_faults(right: Mapping[str, Any], facts: ModelFacts, file: StackFile) -> Iterator[Fault]:
    """Yield the limit that shuts out a request for a single picture.

    Args:
        right: values that are right by themselves, by dotted key.
        facts: what is known of the model.
        file: the stack's file, for the edit that mends.
    """
    limits: Limits | None = right.get("endpoint.limits")
    if limits is None or limits.body_bytes is None or facts.shape is None:
        return
    needed = _FLOAT32_BYTES * math.prod(facts.shape) + _HEADER_BYTES
    if limits.body_bytes < needed:
        yield Fault(
            key="endpoint.limits.bodyBytes",
            found=f"is {limits.body_bytes}, and a request for one picture has {needed}: {_picture(facts.shape)}",
            accepted=f"at least {needed}",
            mend=file.setting("endpoint.limits.bodyBytes", 1 << needed.bit_length()),
        )


def _picture(shape: tuple[int, int, int]) -> str:
    return f"{' x '.join(map(str, shape))} x {_FLOAT32_BYTES} bytes, and a header"
