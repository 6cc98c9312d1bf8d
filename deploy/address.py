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
        cluster: is asked.
    """
    return {
        **outputs,
        "url": url_of_today(outputs, endpoint.hostname, cluster),
        "certificateAuthority": authority_of_today(outputs, endpoint.tls.secret if endpoint.tls else None, cluster),
    }


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


def authority_of_today(outputs: Mapping[str, Any], secret: str | None, cluster: Cluster) -> str | None:
    """Return the PEM text of the authority that the stack's clients have to trust; None where it is a public one.

    Args:
        outputs: the stack's.
        secret: that the configuration names. Of it the authority is read and nothing else; read by the program, its
            key would be in Pulumi's state.
        cluster: is asked.
    """
    if secret is None:
        return outputs.get("certificateAuthority")
    flags = ("--ignore-not-found", r"--output=jsonpath={.data.ca\.crt}")
    try:
        text = cluster.kubectl("get", "secret", secret, f"--namespace={outputs['namespace']}", *flags)
    except DeployError:
        return None
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
