"""A Gateway of the stack's own: its listener, and the URL that its status gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.config.gateways import HTTP_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.config.endpoints import Endpoint


def gateway_spec(endpoint: Endpoint) -> dict[str, Any]:
    """The Gateway's specification: one listener, which takes routes of its own namespace alone."""
    listener: dict[str, Any] = {
        "name": "http",
        "protocol": "HTTP",
        "port": endpoint.port,
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    if endpoint.hostname:
        listener["hostname"] = endpoint.hostname
    return {"gatewayClassName": endpoint.gateway_class, "listeners": [listener]}


def url_from_status(status: Mapping[str, Any] | None, endpoint: Endpoint, path_prefix: str) -> str:
    """The URL, from the Gateway's status; empty while a preview looks at one that has no address yet."""
    port = "" if endpoint.port == HTTP_PORT else f":{endpoint.port}"
    if endpoint.hostname:
        return f"http://{endpoint.hostname}{port}"
    addresses = (status or {}).get("addresses") or []
    if not addresses:
        return ""
    address = str(addresses[0]["value"])
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}{port}{path_prefix}"
