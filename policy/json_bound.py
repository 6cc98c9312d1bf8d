"""What a stranger sends ends no server: the JSON that Triton parses is bounded, and no body is unpacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.config.json_bodies import (
    BOUNDED_LENGTH,
    ENCODING_HEADER,
    JSON_BODIES,
    JSON_LIMIT,
    LARGEST_JSON_BYTES,
    LENGTH_HEADER,
    NOBODY,
    REFUSAL,
    UNBOUNDED_LENGTH,
)
from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from policy.resource import Resource

_ACCEPTED = (
    f"before it a rule of the same path that refuses {LENGTH_HEADER} {UNBOUNDED_LENGTH}, and of itself that header "
    f"{BOUNDED_LENGTH}, or middleware {JSON_LIMIT}; or endpoint.jsonBodies: true"
)
_MEND = "infra/components/routes.py has the rules, infra/components/json_bound.py their middlewares"


def json_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each rule that gives Triton JSON without a bound, or a body to unpack, and each middleware that is none."""
    if resource.kind == "HTTPRoute":
        rules = at(resource.props, "spec", "rules", default=[])
        open_ = at(resource.props, "metadata", "annotations", default={}).get(JSON_BODIES) == "true"
        for place, rule in enumerate(rules):
            if rule.get("backendRefs") and not _has_middleware(rule, REFUSAL):
                yield from _rule_violations(resource, rule, [] if open_ else rules[:place], open_=open_)
    elif resource.kind == "Middleware":
        yield from _middleware_violations(resource)


def _rule_violations(
    resource: Resource, rule: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], *, open_: bool
) -> Iterator[Violation]:
    for match in at(rule, "matches", default=[]):
        path = str(at(match, "path", "value", default=""))
        if not path.endswith("/infer"):
            continue
        if ENCODING_HEADER not in _removed(rule):
            found = f"POST of {path} leaves {ENCODING_HEADER} on, and a small body may unpack to gigabytes"
            accepted = f"RequestHeaderModifier with remove: [{ENCODING_HEADER}]"
            yield Violation(resource=resource, found=found, accepted=accepted, mend=_MEND)
        bounded = _says(match, BOUNDED_LENGTH) and any(_refuses(before, path) for before in earlier)
        if not (open_ or bounded or _has_middleware(rule, JSON_LIMIT)):
            found = f"POST of {path} gives Triton JSON of any length"
            yield Violation(resource=resource, found=found, accepted=_ACCEPTED, mend=_MEND)


def _refuses(rule: Mapping[str, Any], path: str) -> bool:
    """Whether a rule refuses each length that has no bound."""
    matches = at(rule, "matches", default=[])
    return _has_middleware(rule, REFUSAL) and any(
        at(match, "path", "value", default="") == path and _says(match, UNBOUNDED_LENGTH) for match in matches
    )


def _says(match: Mapping[str, Any], expression: str) -> bool:
    wanted = {"type": "RegularExpression", "name": LENGTH_HEADER, "value": expression}
    return bool(at(match, "headers", default=[]) == [wanted])


def _has_middleware(rule: Mapping[str, Any], name: str) -> bool:
    filters = at(rule, "filters", default=[])
    return any(at(each, "extensionRef", "name", default="") == name for each in filters)


def _removed(rule: Mapping[str, Any]) -> list[str]:
    filters = at(rule, "filters", default=[])
    return [name for each in filters for name in at(each, "requestHeaderModifier", "remove", default=[])]


def _middleware_violations(resource: Resource) -> Iterator[Violation]:
    name = at(resource.props, "metadata", "name", default="")
    spec = at(resource.props, "spec", default={})
    if name == JSON_LIMIT:
        limit = at(spec, "buffering", "maxRequestBodyBytes", default=0)
        if not 0 < limit <= LARGEST_JSON_BYTES:
            accepted = f"buffering.maxRequestBodyBytes, 1 to {LARGEST_JSON_BYTES}"
            yield Violation(resource=resource, found=f"its limit is {limit or 'none'}", accepted=accepted, mend=_MEND)
    elif name == REFUSAL:
        refusal = {
            key: value for key, value in at(spec, "ipAllowList", default={}).items() if key != "rejectStatusCode"
        }
        if refusal != {"sourceRange": [NOBODY]}:
            accepted = f"ipAllowList with sourceRange: [{NOBODY}], and no ipStrategy"
            yield Violation(resource=resource, found="it refuses not everybody", accepted=accepted, mend=_MEND)
