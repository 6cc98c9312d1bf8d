"""Whom a stack's pods talk to: the peers that NetworkPolicies name, as the configuration says them."""

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from infra.config.group import Group
from infra.config.pods import LABEL_KEY, LABEL_VALUE
from infra.config.text import refusal
from infra.config.tls import HTTPS_PORT

TRAEFIK_PODS = {
    "namespaceLabels": {"kubernetes.io/metadata.name": "traefik"},
    "podLabels": {"app.kubernetes.io/name": "traefik"},
}
"""The gateway's pods where Traefik's chart has made them, in the namespace `traefik`."""

INTERNAL = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"),
    *("fc00::/7", "fe80::/10"),
)
"""Addresses that nobody has on the internet. Pods, Services, nodes and a cloud's metadata have theirs among them."""

_CIDR_ACCEPTED = "an address range such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32, whose address is its first"
_LABELS_ACCEPTED = "Kubernetes labels, one or more, with text in quotes: at most 63 letters, digits, '-', '_' and '.'"
_PROXY_ACCEPTED = "http://host:port, without a user, a path or a query"


def _cidr(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise refusal(_CIDR_ACCEPTED) from None
    if "/" not in text or "%" in text:  # a zone is one machine's own
        raise refusal(_CIDR_ACCEPTED)
    return str(network)


def _labels(value: Any) -> Any:
    if not isinstance(value, dict):
        raise refusal(_LABELS_ACCEPTED)
    for key, text in value.items():
        if not isinstance(key, str) or not LABEL_KEY.fullmatch(key):
            raise refusal(_LABELS_ACCEPTED, found=f"has the key {key!r}")
        if not isinstance(text, str) or not LABEL_VALUE.fullmatch(text):
            raise refusal(_LABELS_ACCEPTED, found=f"has {key} with a text that it can't have")
    if not value:
        raise refusal(_LABELS_ACCEPTED, found="has no label, which would mean everybody")
    return value


def _proxy(text: str) -> str:
    try:
        url = urlsplit(text)
        is_whole = url.scheme == "http" and url.hostname and url.port
    except ValueError:
        raise refusal(_PROXY_ACCEPTED, found="is no URL") from None
    if url.username is not None:
        raise refusal(_PROXY_ACCEPTED, found="carries a user, which everybody who sees the build's Job would see")
    if not is_whole or url.path.strip("/") or url.query or url.fragment:
        raise refusal(_PROXY_ACCEPTED)
    return text.rstrip("/")


Cidr = Annotated[str, AfterValidator(_cidr)]
SelectedLabels = Annotated[dict[str, str], BeforeValidator(_labels)]
ProxyUrl = Annotated[str, AfterValidator(_proxy)]


class Admitted(Group):
    """Who may enter Triton: pods by their labels, or an address range."""

    namespace_labels: SelectedLabels | None = Field(
        default=None,
        description="Labels of the namespaces whose pods may enter; `kubernetes.io/metadata.name` is a namespace's"
        " name. Without it the stack's own.",
        examples=[TRAEFIK_PODS["namespaceLabels"]],
    )
    pod_labels: SelectedLabels | None = Field(
        default=None,
        description="Labels of the pods in them that may; without it all pods of those namespaces.",
        examples=[TRAEFIK_PODS["podLabels"]],
    )
    cidr: Cidr | None = Field(
        default=None,
        description="In place of labels: an address range, for what is no pod, such as a cloud's load balancers.",
        examples=["35.191.0.0/16"],
    )


class Destination(Group):
    """Where the build may go: TCP, to one port of an address range."""

    cidr: Cidr = Field(description="The address range, as pods reach it.", examples=["10.0.0.5/32"])
    port: int = Field(ge=1, le=65535, description="The port.", examples=[443])

    def leads_to(self, other: "Destination") -> bool:
        """Whether it is the way to an address and its port, too."""
        return self.port == other.port and _covers(self.cidr, ipaddress.ip_network(other.cidr))


def destination_from_url(url: str) -> Destination | None:
    """Where a URL leads, if its host is an address; of a name nobody knows that before it is asked."""
    parts = urlsplit(url)
    try:
        network = ipaddress.ip_network(parts.hostname or "")
    except ValueError:
        return None
    return Destination(cidr=str(network), port=parts.port or HTTPS_PORT)


def is_internal(destination: Destination) -> bool:
    """Whether an address is one that nobody has on the internet."""
    network = ipaddress.ip_network(destination.cidr)
    return any(_covers(each, network) for each in INTERNAL)


def _covers(cidr: str, inner: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    return inner.network_address in ipaddress.ip_network(cidr)
