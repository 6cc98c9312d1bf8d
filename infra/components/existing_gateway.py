"""A Gateway that others made: what its listener says of the stack's URL, and whether its routes may be ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from infra.components.urls import root_url
from infra.config.door_rules import KEYS_SENT_OPENLY, sends_keys_openly, unenforced
from infra.config.json_bodies import ACCEPTED_WITHOUT_BOUND, bounds_json
from infra.config.secrets import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.config.endpoints import Endpoint

_SCHEMES = {"HTTP": "http", "HTTPS": "https"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a stack wants of a Gateway.

    Attributes:
        endpoint: the configuration group, whose gateway it is.
        json_bodies: whether whole requests in JSON are routed.
        namespace: the stack's own.
    """

    endpoint: Endpoint
    json_bodies: bool
    namespace: str

    @property
    def place(self) -> str:
        """The Gateway, as its users call it."""
        gateway = self.endpoint.gateway
        return f"Gateway {gateway.namespace}/{gateway.name}" if gateway else "the Gateway"

    @property
    def section(self) -> str:
        """Its listener's name."""
        return self.endpoint.gateway.section if self.endpoint.gateway else ""


def url_from_gateway(spec: Mapping[str, Any] | None, status: Mapping[str, Any] | None, wanted: Wanted) -> str:
    """The stack's URL through a Gateway that exists, without a slash at its end.

    Args:
        spec: of the Gateway.
        status: of it, with its addresses.
        wanted: whose URL it is.

    Raises:
        RunError: it takes no routes of the stack, or has no address; in one line.
    """
    listener = _listener(spec or {}, wanted)
    _refuse_others_namespace(listener, wanted)
    _refuse_unenforced(spec or {}, wanted)
    scheme = _SCHEMES.get(listener["protocol"])
    if scheme is None:
        raise pulumi.RunError(
            f"endpoint.gateway.section: listener {wanted.section} of {wanted.place} is {listener['protocol']}; "
            "accepted: a listener of HTTP or HTTPS"
        )
    if sends_keys_openly(wanted.endpoint, is_https=scheme == "https"):
        raise pulumi.RunError(
            f"{CLIENTS} {KEYS_SENT_OPENLY}: listener {wanted.section} of {wanted.place} is HTTP; accepted: a listener "
            "of HTTPS, or endpoint.acceptPlainHttp: true, knowingly; name another in endpoint.gateway.section"
        )
    root = root_url(scheme, _host(listener, status or {}, wanted), int(listener["port"]))
    return root if wanted.endpoint.hostname else f"{root}/{wanted.namespace}"


def _listener(spec: Mapping[str, Any], wanted: Wanted) -> Mapping[str, Any]:
    listeners: Sequence[Mapping[str, Any]] = spec.get("listeners") or []
    for listener in listeners:
        if listener["name"] == wanted.section:
            return listener
    names = (
        ", ".join(f"{found['name']} ({found['protocol']} {int(found['port'])})" for found in listeners) or "it has none"
    )
    raise pulumi.RunError(
        f"endpoint.gateway.section: {wanted.place} has no listener {wanted.section}; accepted: {names}"
    )


def _refuse_others_namespace(listener: Mapping[str, Any], wanted: Wanted) -> None:
    """Say at once what the controller says minutes later; what a selector selects is left to it."""
    gateway = wanted.endpoint.gateway
    allowed = ((listener.get("allowedRoutes") or {}).get("namespaces") or {}).get("from", "Same")
    if gateway and (allowed == "None" or (allowed == "Same" and gateway.namespace != wanted.namespace)):
        raise pulumi.RunError(
            f"endpoint.gateway: listener {wanted.section} of {wanted.place} takes no routes of namespace "
            f"{wanted.namespace} (allowedRoutes.namespaces.from: {allowed}); accepted: All, or Selector with that "
            f"namespace's labels; whoever has the Gateway edits it: kubectl edit gateway {gateway.name} "
            f"--namespace={gateway.namespace}"
        )


def _refuse_unenforced(spec: Mapping[str, Any], wanted: Wanted) -> None:
    class_ = spec.get("gatewayClassName")
    for found in unenforced(wanted.endpoint, class_, of=f"{wanted.place} is of class {class_}, which"):
        mend = "name another in endpoint.gateway" if found.key == CLIENTS else f"remove {found.key}"
        raise pulumi.RunError(f"{found.key} {found.found}; accepted: {found.accepted}; {mend}")
    if not wanted.json_bodies and not bounds_json(class_):
        raise pulumi.RunError(
            f"endpoint.gateway: {wanted.place} is of class {class_}, which is not known to bound the JSON that Triton "
            f"parses; accepted: {ACCEPTED_WITHOUT_BOUND}"
        )


def _host(listener: Mapping[str, Any], status: Mapping[str, Any], wanted: Wanted) -> str:
    """The host that clients name: the stack's, else the listener's, else the Gateway's address."""
    of_listener, own = str(listener.get("hostname") or ""), wanted.endpoint.hostname
    if own is not None:
        if of_listener and not _covers(of_listener, own):
            raise pulumi.RunError(
                f"endpoint.hostname is {own}, and listener {wanted.section} of {wanted.place} takes {of_listener} "
                "alone; accepted: a name that it takes"
            )
        return own
    if of_listener.startswith("*"):
        raise pulumi.RunError(
            f"endpoint.hostname is missing, and listener {wanted.section} of {wanted.place} takes {of_listener}; "
            "accepted: a name that it takes"
        )
    if of_listener:
        return of_listener
    addresses = status.get("addresses") or []
    if not addresses:
        raise pulumi.RunError(
            f"endpoint.gateway: {wanted.place} has no address in its status; accepted: a Gateway that its controller "
            "has programmed, or endpoint.hostname, by which it is reached"
        )
    return str(addresses[0]["value"])


def _covers(of_listener: str, name: str) -> bool:
    """Whether a listener's host name, or its wildcard, takes a name."""
    return name.endswith(of_listener[1:]) if of_listener.startswith("*.") else name == of_listener
