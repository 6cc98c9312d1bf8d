"""What is routed to Triton, and nothing else: the rules of the stack's HTTPRoute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.components.json_bound import AS_IT_IS, AS_MATCHED
from infra.config.json_bodies import BOUNDED_LENGTH, ENCODING_HEADER, LENGTH_HEADER, UNBOUNDED_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.components.door import Door

    Rule = dict[str, Any]
    Filters = Sequence[Mapping[str, Any]]

_VERSION = "1"
_HEALTH = "/v2/health/"


def routes(model: str) -> Iterator[tuple[str, str]]:
    """Everything that is routed: method and Triton's own path, matched exactly."""
    yield "GET", f"{_HEALTH}live"
    yield "GET", f"{_HEALTH}ready"
    for path in (f"/v2/models/{model}", f"/v2/models/{model}/versions/{_VERSION}"):
        yield "GET", path
        yield "GET", f"{path}/ready"
        yield "GET", f"{path}/config"
        yield "POST", f"{path}/infer"


def rules_from_model(model: str, *, prefix: str, backend: Mapping[str, Any], door: Door) -> list[Rule]:
    """The rules of a model's route, 10 or 14 of the 16 that an HTTPRoute may have.

    Each path has a rule of its own, since the Gateway API replaces a prefix only where it matches one, and an inference
    three where its JSON is bounded.

    Args:
        model: name that clients ask for.
        prefix: path of the URL before Triton's own, or empty.
        backend: Triton's Service, as a reference.
        door: what a request has to pass.
    """
    rules: list[Rule] = []
    for method, path in routes(model):
        matched = {"method": method, "path": {"type": "Exact", "value": f"{prefix}{path}"}}
        for matches, filters in _infer(matched, door) if method == "POST" else _read(matched, path, door):
            rules.append(
                {"matches": matches, "filters": [*filters, *_rewrite_filters(prefix, path)], "backendRefs": [backend]}
            )
    return rules


def _read(matched: Mapping[str, Any], path: str, door: Door) -> Iterator[tuple[list[Mapping[str, Any]], Filters]]:
    """Health is told to everybody."""
    yield [matched], [*(() if path.startswith(_HEALTH) else door.every), *door.bodiless]


def _infer(matched: Mapping[str, Any], door: Door) -> Iterator[tuple[list[Mapping[str, Any]], Filters]]:
    """A request's JSON has a length that is refused, one that is let through, or none, and then the body is bounded.

    The first rule and the second match equally much, and then it is their order that counts.
    """
    if door.json is None:
        yield [matched], [*door.infer, AS_IT_IS]
        return
    unbounded = ((LENGTH_HEADER, UNBOUNDED_LENGTH), (ENCODING_HEADER, ".*"))
    yield [_with_header(matched, *header) for header in unbounded], [*door.every, *door.json.refused]
    yield [_with_header(matched, LENGTH_HEADER, BOUNDED_LENGTH)], [*door.infer, AS_MATCHED]
    yield [matched], [*door.fair, *door.json.alone, AS_MATCHED]


def _with_header(matched: Mapping[str, Any], name: str, expression: str) -> Mapping[str, Any]:
    return {**matched, "headers": [{"type": "RegularExpression", "name": name, "value": expression}]}


def _rewrite_filters(prefix: str, path: str) -> list[Mapping[str, Any]]:
    if not prefix:
        return []
    rewrite = {"path": {"type": "ReplaceFullPath", "replaceFullPath": path}}
    return [{"type": "URLRewrite", "urlRewrite": rewrite}]
