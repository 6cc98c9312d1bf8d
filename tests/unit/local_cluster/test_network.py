from pathlib import Path
from typing import Any

import pytest

from local_cluster.layout import layout_from_name
from local_cluster.network import conflicting_route, nameservers

LAYOUT = layout_from_name("embedded-test")
ORDINARY: list[dict[str, Any]] = [
    {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
    {"dst": "192.0.2.0/24", "dev": "eth0", "protocol": "kernel", "scope": "link"},
]


def file_with(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_ordinary_host_is_no_conflict() -> None:
    assert conflicting_route(LAYOUT, ORDINARY) is None


def test_a_wide_route_of_a_vpn_is_no_conflict() -> None:
    assert conflicting_route(LAYOUT, [*ORDINARY, {"dst": "10.0.0.0/8", "dev": "tun0", "scope": "link"}]) is None


@pytest.mark.parametrize(
    "route",
    [
        {"dst": "10.210.1.0/24", "dev": "x", "protocol": "kernel"},
        {"dst": "10.211.1.7", "dev": "x"},
        {"dst": "10.0.0.0/8", "dev": "x", "protocol": "kernel"},
    ],
)
def test_an_interface_in_the_clusters_ranges_is_a_conflict(route: dict[str, Any]) -> None:
    conflict = conflicting_route(LAYOUT, [*ORDINARY, route])

    assert conflict is not None
    assert conflict[0] == "x"


def test_another_clusters_ranges_are_no_conflict() -> None:
    route = {"dst": "10.210.0.0/24", "dev": "dtri0", "protocol": "kernel"}

    assert conflicting_route(LAYOUT, [*ORDINARY, route]) is None


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


def test_a_host_without_servers_gives_none(tmp_path: Path) -> None:
    assert nameservers((tmp_path / "absent",)) == []
