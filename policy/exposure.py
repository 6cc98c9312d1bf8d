"""No public metrics or control APIs: the URL has health, metadata, configuration and inference, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policy.resource import Resource

_OTHER_WAYS = frozenset({"GRPCRoute", "Ingress", "IngressRoute", "IngressRouteTCP", "TCPRoute", "TLSRoute", "UDPRoute"})
_MODEL = r"/v2/models/[^/]+(/versions/[^/]+)?"
_ROUTED = {
    "GET": re.compile(rf"/v2/health/(live|ready)|{_MODEL}(/(ready|config))?"),
    "POST": re.compile(rf"{_MODEL}/infer"),
}
_ACCEPTED_ROUTES = "GET of health, model metadata, ready and config; POST of infer; each path Exact"
_ROUTE_MEND = "infra/components/routes.py has what is routed"


def exposure_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each way from outside to more of Triton than its clients need."""
    if resource.kind == "Service":
        yield from _service_violations(resource)
    elif resource.kind == "HTTPRoute":
        for rule in at(resource.props, "spec", "rules", default=[{}]):
            if not _only_redirects(rule):
                yield from _rule_violations(resource, rule)
    elif resource.kind in _OTHER_WAYS:
        yield Violation(
            resource=resource,
            found=f"a {resource.kind} is a way in beside the stack's HTTPRoute",
            accepted="HTTPRoute",
            mend=_ROUTE_MEND,
        )


def _service_violations(resource: Resource) -> Iterator[Violation]:
    spec = at(resource.props, "spec", default={})
    mend = "infra/components/triton.py has the Service; the way in is the Gateway"
    if (type_ := spec.get("type") or "ClusterIP") != "ClusterIP":
        yield Violation(resource=resource, found=f"type is {type_}", accepted="ClusterIP", mend=mend)
    if addresses := at(spec, "externalIPs", default=[]):
        yield Violation(resource=resource, found=f"externalIPs are {addresses}", accepted="none", mend=mend)
    for port in at(spec, "ports", default=[]):
        if (target := port.get("targetPort", port.get("port"))) != "http":
            found = f"port {port.get('port')} leads to {target}"
            accepted = "targetPort http, Triton's HTTP port; not gRPC (8001), not metrics (8002)"
            yield Violation(resource=resource, found=found, accepted=accepted, mend=mend)


def _rule_violations(resource: Resource, rule: Mapping[str, Any]) -> Iterator[Violation]:
    for match in at(rule, "matches", default=[]) or [{}]:
        method = match.get("method", "any method")
        kind = at(match, "path", "type", default="PathPrefix")
        path = at(match, "path", "value", default="/")
        served = _rewritten(rule, path)
        if kind != "Exact" or method not in _ROUTED or not _ROUTED[method].fullmatch(served):
            found = f"{method} of {path} ({kind}) leads to {served}"
            yield Violation(resource=resource, found=found, accepted=_ACCEPTED_ROUTES, mend=_ROUTE_MEND)


def _only_redirects(rule: Mapping[str, Any]) -> bool:
    """Whether a rule leads to nothing of Triton: it sends clients to where they go instead."""
    kinds = [filter_.get("type") for filter_ in at(rule, "filters", default=[])]
    return kinds == ["RequestRedirect"] and not at(rule, "backendRefs", default=[])


def _rewritten(rule: Mapping[str, Any], path: str) -> str:
    """The path that Triton gets; a rewrite of a part of it is not followed, but shown as it is written."""
    for filter_ in at(rule, "filters", default=[]):
        if rewrite := at(filter_, "urlRewrite", "path", default={}):
            return str(rewrite.get("replaceFullPath", rewrite.get("replacePrefixMatch")))
    return path
