"""HTTPS and keys: nobody reads what clients send, and whoever is no client reaches nothing but health."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infra.config.endpoints import ACCEPTED_PLAIN_HTTP
from policy.resource import UNKNOWN, at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policy.resource import Resource

_HEALTH = re.compile(r"/v2/health/(live|ready)")
_KNOWINGLY = "endpoint.acceptPlainHttp: true, knowingly"


def key_violations(resources: Sequence[Resource]) -> Iterator[Violation]:
    """Yield each listener of the stack's own without HTTPS, and each rule that asks for no key, unless it is accepted.

    Which listener a Gateway of others has is seen when the stack is deployed, not here.
    """
    gateways = [found for found in resources if found.kind == "Gateway"]
    keys = {_name(found) for found in resources if found.kind == "Middleware" and _asks_for_keys(found)}
    for route in resources:
        if route.kind == "HTTPRoute" and not _is_accepted(route):
            yield from _route_violations(route, gateways, keys)


def accepted_plain_http_violations(resource: Resource) -> Iterator[Violation]:
    """Yield the route that its stack accepts without HTTPS or without keys."""
    if resource.kind == "HTTPRoute" and _is_accepted(resource) and _served(resource):
        yield Violation(
            resource=resource,
            found=f"may be without HTTPS or without keys, and {resource.stack_file} accepts it",
            accepted=f"HTTPS and keys; or {_KNOWINGLY}",
            mend=f"in {resource.stack_file} set endpoint.tls, and make client ADD=name STACK={resource.stack}",
        )


def _route_violations(route: Resource, gateways: Sequence[Resource], keys: set[str]) -> Iterator[Violation]:
    served = _served(route)
    if not served:
        return
    for gateway, listener in _listeners(route, gateways):
        if (protocol := listener.get("protocol")) != "HTTPS":
            yield Violation(
                resource=gateway,
                part=f"listener {listener.get('name')}",
                found=f"is {protocol}, and leads to Triton",
                accepted=f"HTTPS; or {_KNOWINGLY}",
                mend=f"in {route.stack_file} set endpoint.tls",
            )
    for rule in served:
        if not _is_health(rule) and not _names(rule) & (keys | ({UNKNOWN} if keys else set())):
            yield Violation(
                resource=route,
                found=f"{_matched(rule)} asks for no key",
                accepted=f"a filter with basicAuth on all but health; or {_KNOWINGLY}",
                mend=f"make client ADD=name STACK={route.stack}",
            )


def _served(route: Resource) -> list[Mapping[str, Any]]:
    """The rules that lead to a server; a redirect, or what refuses, leads to none."""
    return [rule for rule in at(route.props, "spec", "rules", default=[{}]) if at(rule, "backendRefs", default=[])]


def _listeners(route: Resource, gateways: Sequence[Resource]) -> Iterator[tuple[Resource, Mapping[str, Any]]]:
    """The listeners of the stack's own that a route hangs on: those that it names, else all of them."""
    for parent in at(route.props, "spec", "parentRefs", default=[{}]):
        for gateway in gateways:
            named, section = str(parent.get("name", UNKNOWN)), parent.get("sectionName")
            if parent.get("namespace") is None and named in {_name(gateway), UNKNOWN}:
                listeners = at(gateway.props, "spec", "listeners", default=[{}])
                yield from ((gateway, each) for each in listeners if section in {None, UNKNOWN, each.get("name")})


def _is_accepted(route: Resource) -> bool:
    return bool(at(route.props, "metadata", "annotations", default={}).get(ACCEPTED_PLAIN_HTTP) == "true")


def _asks_for_keys(middleware: Resource) -> bool:
    return bool(at(middleware.props, "spec", "basicAuth", "secret", default=""))


def _name(resource: Resource) -> str:
    return str(at(resource.props, "metadata", "name", default=""))


def _names(rule: Mapping[str, Any]) -> set[str]:
    """The middlewares that a rule's requests pass."""
    return {str(at(each, "extensionRef", "name", default="")) for each in at(rule, "filters", default=[])}


def _is_health(rule: Mapping[str, Any]) -> bool:
    """Whether all that a rule routes becomes a question for the server's own health."""
    filters = at(rule, "filters", default=[])
    rewritten = [at(each, "urlRewrite", "path", "replaceFullPath", default="") for each in filters]
    matches = at(rule, "matches", default=[{}]) or [{}]
    paths = [str(path) for path in rewritten if path] or [
        str(at(each, "path", "value", default="")) for each in matches
    ]
    return all(_HEALTH.fullmatch(path) for path in paths)


def _matched(rule: Mapping[str, Any]) -> str:
    matches = at(rule, "matches", default=[{}]) or [{}]
    return f"{matches[0].get('method', 'any method')} of {at(matches[0], 'path', 'value', default='/')}"
