import ipaddress
import socket
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from local_cluster import network
from local_cluster.layout import layout_from_name
from local_cluster.network import Route, conflicting_route, nameservers, routes

LAYOUT = layout_from_name("embedded-test")
_TABLE = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t0001D30A\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def route(network: str, interface: str = "x", *, is_of_an_address: bool = False) -> Route:
    return Route(network=ipaddress.IPv4Network(network), interface=interface, is_of_an_address=is_of_an_address)


ORDINARY = [route("0.0.0.0/0", "eth0"), route("192.0.2.0/24", "eth0", is_of_an_address=True)]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel's table of routes, and the one address that goes with it."""
    address = namedtuple("address", "family address netmask")  # noqa: PYI024 - a stand-in for psutil's own
    addresses = {"eth0": [address(socket.AF_INET, "192.0.2.9", "255.255.255.0")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    return file_with(tmp_path / "route", _TABLE)


def test_routes_are_read_as_the_kernel_tells_them(table: Path) -> None:
    assert routes(table) == [
        route("0.0.0.0/0", "eth0"),
        route("10.0.0.0/8", "tun0"),
        route("192.0.2.0/24", "eth0", is_of_an_address=True),
    ]


def test_the_mtu_is_that_of_the_default_routes_interface(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "eth0").mkdir()
    (tmp_path / "eth0" / "mtu").write_text("1400\n", encoding="utf-8")
    monkeypatch.setattr(network, "_INTERFACES", tmp_path)
    found = routes(table)
    monkeypatch.setattr(network, "routes", lambda: found)

    assert network.default_route_mtu() == 1400
    found.clear()
    assert network.default_route_mtu() == 1500


def file_with(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_ordinary_host_is_no_conflict() -> None:
    assert conflicting_route(LAYOUT, ORDINARY) is None


def test_a_wide_route_of_a_vpn_is_no_conflict() -> None:
    assert conflicting_route(LAYOUT, [*ORDINARY, route("10.0.0.0/8", "tun0")]) is None


@pytest.mark.parametrize(
    "theirs",
    [
        route("10.210.1.0/24", is_of_an_address=True),
        route("10.211.1.7/32"),
        route("10.0.0.0/8", is_of_an_address=True),
    ],
)
def test_an_interface_in_the_clusters_ranges_is_a_conflict(theirs: Route) -> None:
    assert conflicting_route(LAYOUT, [*ORDINARY, theirs]) == ("x", str(theirs.network))


def test_another_clusters_ranges_are_no_conflict() -> None:
    assert conflicting_route(LAYOUT, [*ORDINARY, route("10.210.0.0/24", "dtri0", is_of_an_address=True)]) is None


def test_servers_on_loopback_are_replaced_by_those_that_they_ask(tmp_path: Path) -> None:
    stub = file_with(tmp_path / "stub", "# a comment\nnameserver 127.0.0.53\noptions edns0\n")
    real = file_with(
        tmp_path / "real",
        "nameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver nonsense\nnameserver 192.0.2.54\n",
    )

    assert nameservers((stub, real)) == ["192.0.2.53", "192.0.2.54"]


def test_reachable_servers_are_taken_as_they_are(tmp_path: Path) -> None:
    first = file_with(tmp_path / "first", "nameserver 192.0.2.1\n")

    assert nameservers((first, tmp_path / "absent")) == ["192.0.2.1"]


def test_a_file_that_is_no_utf_8_is_read_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"# B\xfcro\nnameserver 0.0.0.0\nnameserver 192.0.2.1\n")

    assert nameservers((file,)) == ["192.0.2.1"]


def test_a_host_without_servers_gives_none(tmp_path: Path) -> None:
    assert nameservers((tmp_path / "absent",)) == []
