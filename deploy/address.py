"""Where a stack is reached today: a load balancer that was replaced has another address than the state remembers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.cluster import Cluster
from deploy.errors import DeployError

_GATEWAY = "gateways.gateway.networking.k8s.io/triton"


def url_of_today(outputs: Mapping[str, Any], hostname: str | None, cluster: Cluster) -> str:
    """Return the stack's URL with the address that its Gateway has now.

    Args:
        outputs: the stack's.
        hostname: that the URL has by configuration, whatever the address.
        cluster: is asked; where it does not answer, or has no such Gateway with an address, the state's URL is it.
    """
    url = str(outputs["url"])
    if hostname:
        return url
    flags = ("--ignore-not-found", "--output=jsonpath={.status.addresses[*].value}")
    try:
        addresses = cluster.kubectl("get", _GATEWAY, f"--namespace={outputs['namespace']}", *flags).split()
    except DeployError:
        return url
    parts = urlsplit(url)
    if not addresses or parts.hostname in addresses:
        return url
    host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()
