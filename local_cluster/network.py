"""What a cluster must know of the host's network."""

import ipaddress
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_cluster.awaiting import await_condition
from local_cluster.layout import Layout

_RESOLVER_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_ROUTES = Path("/proc/net/route")
_ROUTE_UP, _ROUTE_REJECTS = 0x1, 0x200
_INTERFACES = Path("/sys/class/net")
_DEFAULT_MTU = 1500
_INTERFACE_GONE_S = 10


@dataclass(frozen=True, kw_only=True)
class Route:
    """One of the host's IPv4 routes.

    Attributes:
        network: where it leads.
        interface: by which interface.
        is_of_an_address: whether the interface itself has an address in that network.
    """

    network: ipaddress.IPv4Network
    interface: str
    is_of_an_address: bool


def routes(table: Path = _ROUTES) -> list[Route]:
    """List the host's IPv4 routes, as the kernel tells them to anybody."""
    found = []
    own = _networks_of_addresses()
    for line in table.read_text(encoding="utf-8").splitlines()[1:]:
        interface, destination, _, flags, _, _, _, mask, *_ = line.split()
        if int(flags, 16) & (_ROUTE_UP | _ROUTE_REJECTS) == _ROUTE_UP:
            network = ipaddress.IPv4Network((_address(destination), _address(mask)))
            is_of_an_address = network in own.get(interface, ())
            found.append(Route(network=network, interface=interface, is_of_an_address=is_of_an_address))
    return found


def default_route_mtu() -> int:
    """Return the largest packet, in bytes, that leaves by the default route."""
    for route in routes():
        if route.network.prefixlen == 0:
            return int((_INTERFACES / route.interface / "mtu").read_text(encoding="utf-8"))
    return _DEFAULT_MTU


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


def conflicting_route(layout: Layout, present: Sequence[Route] | None = None) -> tuple[str, str] | None:
    """Look for something else on the host that uses the cluster's address ranges.

    A wider route, such as a VPN's to all of 10.0.0.0/8, is no conflict: the cluster's own is more precise.

    Args:
        layout: the cluster.
        present: the host's IPv4 routes; asked of the kernel where not given.

    Returns:
        The interface and its network, or None.
    """
    ours = [ipaddress.IPv4Network(subnet) for subnet in (layout.pod_subnet, layout.service_subnet)]
    for route in routes() if present is None else present:
        theirs = route.network
        if theirs.prefixlen == 0:
            continue
        if any(theirs.subnet_of(own) or (route.is_of_an_address and theirs.overlaps(own)) for own in ours):
            return route.interface, str(theirs)
    return None


def has_interface(layout: Layout) -> bool:
    """Tell whether the host has its end of the cluster's network."""
    return layout.link in (name for _, name in socket.if_nameindex())


def await_interface_gone(layout: Layout) -> None:
    """Wait until the kernel has taken the cluster's interface with its network namespace."""

    def reason() -> str | None:
        return f"{layout.link} is there" if has_interface(layout) else None

    await_condition(f"interface {layout.link} to go", reason, deadline_s=_INTERFACE_GONE_S)


def _networks_of_addresses() -> dict[str, set[ipaddress.IPv4Network]]:
    """Return the networks in which each interface has an address."""
    return {
        interface: {
            ipaddress.IPv4Network((address.address, address.netmask), strict=False)
            for address in addresses
            if address.family is socket.AF_INET and address.netmask
        }
        for interface, addresses in psutil.net_if_addrs().items()
    }


def _address(word: str) -> str:
    """Read an address as /proc/net/route has it: a number in hexadecimal, in the machine's order of bytes."""
    return socket.inet_ntoa(struct.pack("=I", int(word, 16)))


def _is_reachable(server: str) -> bool:
    try:
        address = ipaddress.IPv4Address(server)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)  # the latter means the host itself, too


def _nameservers_in(file: Path) -> list[str]:
    if not file.is_file():
        return []
    words = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
