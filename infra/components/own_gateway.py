"""A Gateway of the stack's own: its listeners, and the URL that its status gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.components.urls import root_url
from infra.config.tls import HTTPS_PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.config.endpoints import Endpoint
    from infra.config.tls import Tls

HTTP, HTTPS = "http", "https"
"""Names of the listeners."""


def gateway_spec(endpoint: Endpoint, certificate: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The Gateway's specification: one listener, which takes routes of its own namespace alone.

    With HTTPS there may be a second one, for those who come by plain HTTP.

    Args:
        endpoint: the configuration group.
        certificate: a reference to the Secret with the certificate; None without HTTPS.
    """
    listeners = [_listener(endpoint, HTTP, endpoint.listener_port)]
    if endpoint.tls is not None:
        tls = {"mode": "Terminate", "certificateRefs": [certificate]}
        listeners = [{**_listener(endpoint, HTTPS, endpoint.listener_port), "tls": tls}]
        if endpoint.tls.redirect_port is not None:
            listeners.append(_listener(endpoint, HTTP, endpoint.tls.redirect_port))
    return {"gatewayClassName": endpoint.gateway_class, "listeners": listeners}


def issuer_annotations(tls: Tls | None) -> dict[str, str]:
    """What tells cert-manager to make the Secret that the listener names, and to renew it."""
    if tls is None:
        return {}
    issuers = {"cert-manager.io/issuer": tls.issuer, "cert-manager.io/cluster-issuer": tls.cluster_issuer}
    return {key: name for key, name in issuers.items() if name is not None}


def redirect_rules(endpoint: Endpoint, path_prefix: str) -> list[dict[str, Any]]:
    """The rules of the route that sends those who come by plain HTTP to the same URL by HTTPS; it leads nowhere else.

    Args:
        endpoint: the configuration group.
        path_prefix: path of the URL without a host name. With one the listener takes nobody else's requests.
    """
    redirect: dict[str, Any] = {"scheme": "https", "statusCode": 301}
    if endpoint.listener_port != HTTPS_PORT:
        redirect["port"] = endpoint.listener_port
    prefix = "/" if endpoint.hostname else path_prefix
    return [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
            "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
        }
    ]


def url_from_status(status: Mapping[str, Any] | None, endpoint: Endpoint, path_prefix: str) -> str:
    """The URL, from the Gateway's status; empty while a preview looks at one that has no address yet."""
    scheme = "http" if endpoint.tls is None else "https"
    if endpoint.hostname:
        return root_url(scheme, endpoint.hostname, endpoint.listener_port)
    addresses = (status or {}).get("addresses") or []
    if not addresses:
        return ""
    return root_url(scheme, str(addresses[0]["value"]), endpoint.listener_port) + path_prefix


def _listener(endpoint: Endpoint, scheme: str, port: int) -> dict[str, Any]:
    return {
        "name": scheme,
        "protocol": scheme.upper(),
        "port": port,
        **({"hostname": endpoint.hostname} if endpoint.hostname else {}),
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
