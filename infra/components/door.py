"""The door: what a request has to pass on its way to Triton, as filters of a route's rules."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.components.json_bound import JsonBound, json_bound
from infra.components.middlewares import Middlewares
from infra.config.json_bodies import largest_body_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pulumi
    from pydantic import SecretStr

    from infra.config.endpoints import Endpoint

CLIENT_HEADER = "Densenet-Triton-Client"
"""The client's name, between its key and its limits; whatever a stranger sends by this name is replaced."""

REALM = "densenet-triton"

_IPV6_SUBNET = 64  # what one client has of addresses


@dataclass(frozen=True, kw_only=True)
class Door:
    """Filters of the rules, in the order in which a request passes them.

    Attributes:
        every: of all that is routed, or refused, but for the server's own liveness and readiness.
        fair: of every request for an inference; those of `every` included.
        infer: of one with a body as large as may be; those of `fair` included.
        bodiless: beside the others, of requests that have no body.
        json: what bounds the JSON that Triton parses; None where whole requests in JSON are routed.
    """

    every: tuple[Mapping[str, Any], ...] = ()
    fair: tuple[Mapping[str, Any], ...] = ()
    infer: tuple[Mapping[str, Any], ...] = ()
    bodiless: tuple[Mapping[str, Any], ...] = ()
    json: JsonBound | None = None


def door_from_endpoint(
    name: str,
    endpoint: Endpoint,
    *,
    json_bodies: bool,
    namespace: pulumi.Input[str],
    child: pulumi.ResourceOptions,
) -> Door:
    """Declare what stands in front of Triton.

    Args:
        name: of the component, before the resources' names.
        endpoint: the configuration group.
        json_bodies: whether whole requests in JSON are routed.
        namespace: of all that is declared.
        child: options of every resource here.
    """
    middlewares = Middlewares(name=name, namespace=namespace, child=child)
    keys: tuple[Mapping[str, Any], ...] = ()
    nameless: tuple[Mapping[str, Any], ...] = ()
    if endpoint.clients:
        keys = (_keys(middlewares, endpoint.clients),)
        nameless = (middlewares.filter("triton-nameless", {"headers": {"customRequestHeaders": {CLIENT_HEADER: ""}}}),)
    every, fair = (*keys, *nameless), (*keys, *_client_limits(middlewares, endpoint), *nameless)
    largest = largest_body_bytes(endpoint, json_bodies=json_bodies)
    if largest is None:
        return Door(every=every, fair=fair, infer=fair)
    return Door(
        every=every,
        fair=fair,
        infer=(*fair, _body_limit(middlewares, "triton-body-limit", largest)),
        bodiless=(_body_limit(middlewares, "triton-no-body", 1),),  # 0 would be no limit
        json=None if json_bodies else json_bound(middlewares, largest),
    )


def _keys(middlewares: Middlewares, clients: Mapping[str, SecretStr]) -> Mapping[str, Any]:
    """Who has no key goes no further. Who has one goes on without it, under the name that it is of."""
    users = core.Secret(
        f"{middlewares.name}-clients",
        metadata=meta.ObjectMetaArgs(name="triton-clients", namespace=middlewares.namespace),
        data={"users": base64.b64encode(htpasswd(clients).encode()).decode()},  # which the package keeps as a secret
        opts=middlewares.child,
    )
    asked = {"secret": users.metadata.name, "realm": REALM, "headerField": CLIENT_HEADER, "removeHeader": True}
    return middlewares.filter("triton-keys", {"basicAuth": asked})


def htpasswd(clients: Mapping[str, SecretStr]) -> str:
    """Clients' keys as servers keep them: a fast hash of each, which is enough for what nobody can guess."""
    hashes = {name: hashlib.sha1(key.get_secret_value().encode()).digest() for name, key in clients.items()}  # noqa: S324 - of 256 random bits
    return "".join(f"{name}:{{SHA}}{base64.b64encode(hashes[name]).decode()}\n" for name in sorted(hashes))


def _client_limits(middlewares: Middlewares, endpoint: Endpoint) -> Iterator[Mapping[str, Any]]:
    """How much one client may ask; every answer says it, so that a 429 is understood."""
    limits, source = endpoint.limits, _source(endpoint)
    policy = []
    if limits.requests_per_s is not None:
        policy.append(f'"requests";q={limits.requests_per_s};w=1')
    if limits.in_flight is not None:
        policy.append(f'"inFlight";q={limits.in_flight};qu="concurrent-requests"')
    if policy:
        yield middlewares.filter(
            "triton-limit-policy", {"headers": {"customResponseHeaders": {"RateLimit-Policy": ", ".join(policy)}}}
        )
    if limits.requests_per_s is not None:
        rate = {"average": limits.requests_per_s, "period": "1s", "burst": limits.requests_per_s}
        yield middlewares.filter("triton-rate-limit", {"rateLimit": rate | {"sourceCriterion": source}})
    if limits.in_flight is not None:
        in_flight = {"amount": limits.in_flight, "sourceCriterion": source}
        yield middlewares.filter("triton-in-flight-limit", {"inFlightReq": in_flight})


def _source(endpoint: Endpoint) -> Mapping[str, Any]:
    """By what clients are told apart: the name that the right key has given them, or their address."""
    if endpoint.clients:
        return {"requestHeaderName": CLIENT_HEADER}
    limits = endpoint.limits
    behind = {"depth": limits.proxies} if limits.proxies else {}
    return {"ipStrategy": {**behind, "ipv6Subnet": _IPV6_SUBNET}}


def _body_limit(middlewares: Middlewares, name: str, largest: int) -> Mapping[str, Any]:
    """Of any method: Triton keeps the body of each request in memory, of a GET too."""
    return middlewares.filter(name, {"buffering": {"maxRequestBodyBytes": largest}})
