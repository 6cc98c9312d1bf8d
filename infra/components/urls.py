"""URLs as clients write them, from what a Gateway says of itself."""

from __future__ import annotations

from infra.config.gateways import HTTP_PORT
from infra.config.tls import HTTPS_PORT

_DEFAULT_PORTS = {"http": HTTP_PORT, "https": HTTPS_PORT}


def root_url(scheme: str, host: str, port: int) -> str:
    """The URL of a server's root, without a slash at its end, and without the port that its scheme implies.

    Args:
        scheme: ``http`` or ``https``.
        host: a name or an address, IPv6 without its brackets.
        port: where it listens.
    """
    named = f"[{host}]" if ":" in host else host
    return f"{scheme}://{named}" if port == _DEFAULT_PORTS[scheme] else f"{scheme}://{named}:{port}"
