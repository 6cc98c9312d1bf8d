"""What a cluster must know of the host's network."""

import ipaddress
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_cluster import programs
from local_cluster.awaiting import await_condition
from local_cluster.layout import Layout

_RESOLVER_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_DEFAULT_MTU = 1500
_INTERFACE_GONE_S = 10


def default_route_mtu() -> int:
    """Return the largest packet, in bytes, that leaves by the default route."""
    routes = json.loads(programs.run(["ip", "-json", "-4", "route", "show", "default"]))
    if not routes:
        return _DEFAULT_MTU
    (link,) = json.loads(programs.run(["ip", "-json", "link", "show", "dev", routes[0]["dev"]]))
    return int(link["mtu"])


def nameservers(resolver_files: tuple[Path, ...] = _RESOLVER_FILES) -> list[str]:
    """Return the host's DNS servers as a cluster can reach them.

    A server on loopback (systemd-resolved's stub, say) is out of reach from a network namespace, and so is one
    of IPv6. Where there is no other, the servers that systemd-resolved itself asks are taken.
    """
    for file in resolver_files:
        reachable = [server for server in _nameservers_in(file) if _is_reachable(server)]
        if reachable:
            return reachable
    return []


def conflicting_route(layout: Layout, routes: Sequence[Mapping[str, Any]] | None = None) -> tuple[str, str] | None:
    """Look for something else on the host that uses the cluster's address ranges.

    A wider route, such as a VPN's to all of 10.0.0.0/8, is no conflict: the cluster's own is more precise.

    Args:
        layout: the cluster.
        routes: the host's IPv4 routes as ``ip -json`` shows them; asked of the host where not given.

    Returns:
        The interface and its network, or None.
    """
    if routes is None:
        routes = json.loads(programs.run(["ip", "-json", "-4", "route", "show"]))
    ours = [ipaddress.IPv4Network(subnet) for subnet in (layout.pod_subnet, layout.service_subnet)]
    for route in routes:
        if route["dst"] == "default":
            continue
        theirs = ipaddress.IPv4Network(route["dst"])
        is_of_an_address = route.get("protocol") == "kernel"
        if any(theirs.subnet_of(own) or (is_of_an_address and theirs.overlaps(own)) for own in ours):
            return route.get("dev", "?"), str(theirs)
    return None


def has_interface(layout: Layout) -> bool:
    """Tell whether the host has its end of the cluster's network."""
    return layout.bridge in (name for _, name in socket.if_nameindex())


def await_interface_gone(layout: Layout) -> None:
    """Wait until the kernel has taken the cluster's interface with its network namespace."""

    def reason() -> str | None:
        return f"{layout.bridge} is there" if has_interface(layout) else None

    await_condition(f"interface {layout.bridge} to go", reason, deadline_s=_INTERFACE_GONE_S)


def _is_reachable(server: str) -> bool:
    try:
        return not ipaddress.IPv4Address(server).is_loopback
    except ValueError:
        return False


def _nameservers_in(file: Path) -> list[str]:
    if not file.is_file():
        return []
    words = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
