"""Where a stack is reached today, and whom its clients have to trust.

A load balancer that was replaced has another address than the state remembers; a certificate may be another's by now.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.cluster import Cluster
from deploy.errors import DeployError
from infra.config.endpoints import Endpoint

_GATEWAY = "gateways.gateway.networking.k8s.io/triton"


def outputs_of_today(outputs: Mapping[str, Any], endpoint: Endpoint, cluster: Cluster) -> dict[str, Any]:
    """Return the stack's outputs with what may have become another since they were written.

    Args:
        outputs: the stack's.
        endpoint: the configuration's group.
        cluster: is asked; where it does not tell the authority, `certificateAuthority` is left out.
    """
    today = {"certificateAuthority": None, **outputs, "url": url_of_today(outputs, endpoint.hostname, cluster)}
    if endpoint.tls is None or endpoint.tls.secret is None:
        return today
    try:
        return today | {"certificateAuthority": authority_in_secret(endpoint.tls.secret, outputs["namespace"], cluster)}
    except DeployError:
        del today["certificateAuthority"]
        return today


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
    addresses, parts = gateway_addresses(outputs["namespace"], cluster), urlsplit(url)
    if not addresses or parts.hostname in addresses:
        return url
    host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()


def authority_in_secret(secret: str, namespace: str, cluster: Cluster) -> str | None:
    """Return the PEM text of the authority that a certificate's Secret names; None where it names none: a public one.

    It alone is read: what the program reads lies in Pulumi's state, and beside it lies the key.

    Args:
        secret: its name.
        namespace: of the stack.
        cluster: is asked.

    Raises:
        DeployError: it does not answer, or does not tell.
    """
    flags = ("--ignore-not-found", r"--output=jsonpath={.data.ca\.crt}")
    text = cluster.kubectl("get", "secret", secret, f"--namespace={namespace}", *flags)
    return base64.b64decode(text).decode(errors="replace") or None


def gateway_addresses(namespace: str, cluster: Cluster) -> list[str]:
    """Return the addresses of the stack's own Gateway; none where it is not there, or the cluster does not answer.

    Args:
        namespace: of the stack.
        cluster: is asked.
    """
    flags = ("--ignore-not-found", "--output=jsonpath={.status.addresses[*].value}")
    try:
        return cluster.kubectl("get", _GATEWAY, f"--namespace={namespace}", *flags).split()
    except DeployError:
        return []
