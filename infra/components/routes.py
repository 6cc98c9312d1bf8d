"""What is routed to Triton, and nothing else: the rules of the stack's HTTPRoute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.components.door import Door

_VERSION = "1"


def routes(model: str) -> Iterator[tuple[str, str]]:
    """Everything that is routed: method and Triton's own path, matched exactly."""
    yield "GET", "/v2/health/live"
    yield "GET", "/v2/health/ready"
    for path in (f"/v2/models/{model}", f"/v2/models/{model}/versions/{_VERSION}"):
        yield "GET", path
        yield "GET", f"{path}/ready"
        yield "GET", f"{path}/config"
        yield "POST", f"{path}/infer"


def rules_from_model(model: str, *, prefix: str, backend: Mapping[str, Any], door: Door) -> list[dict[str, Any]]:
    """The rules of a model's route: one a path, since the Gateway API replaces a prefix only where it matches one.

    Args:
        model: name that clients ask for.
        prefix: path of the URL before Triton's own, or empty.
        backend: Triton's Service, as a reference.
        door: what a request has to pass.
    """
    return [
        {
            "matches": [{"method": method, "path": {"type": "Exact", "value": f"{prefix}{path}"}}],
            "filters": [*_door_filters(method, path, door), *_rewrite_filters(prefix, path)],
            "backendRefs": [backend],
        }
        for method, path in routes(model)
    ]


def _door_filters(method: str, path: str, door: Door) -> Sequence[Mapping[str, Any]]:
    if path.startswith("/v2/health/"):
        return door.health
    return door.infer if method == "POST" else door.every


def _rewrite_filters(prefix: str, path: str) -> list[Mapping[str, Any]]:
    if not prefix:
        return []
    rewrite = {"path": {"type": "ReplaceFullPath", "replaceFullPath": path}}
    return [{"type": "URLRewrite", "urlRewrite": rewrite}]
