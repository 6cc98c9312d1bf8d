import dataclasses
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from local_cluster.errors import ClusterNameError
from local_cluster.layout import Layout, layout_from_name


def test_the_default_cluster_has_the_documented_places() -> None:
    layout = layout_from_name("embedded")

    assert layout.slot == 0
    assert layout.state == Path("/var/lib/densenet-triton/embedded")
    assert layout.run == Path("/run/densenet-triton/embedded")
    assert layout.kubeconfig == Path("/var/lib/densenet-triton/embedded/kubeconfig")
    assert layout.storage == Path("/var/lib/densenet-triton/embedded/storage")
    assert layout.api_url == "https://10.210.0.1:6443"
    assert layout.gateway_url == "http://127.0.0.1:8800"
    assert layout.link == "dtri0"
    assert layout.secure_gateway_url == "https://127.0.0.1:8843"


def test_the_tests_cluster_shares_nothing_with_the_default_one() -> None:
    mine, theirs = layout_from_name("embedded-test"), layout_from_name("embedded")

    assert mine.slot == 1
    for name in ("state", "run", "lock", "cgroup", "link", "nft_table", "pod_subnet", "service_subnet", "api_url"):
        assert getattr(mine, name) != getattr(theirs, name), name
    assert mine.gateway_port == 8801
    assert mine.secure_gateway_port == 8901
    assert mine.etcd_client_port == 23800


def test_addresses_lie_in_their_ranges_and_apart() -> None:
    layout = layout_from_name("embedded-test")
    pods = IPv4Network(layout.pod_subnet)

    addresses = [IPv4Address(a) for a in (layout.node_address, layout.last_pod_address, layout.host_address)]
    assert addresses == sorted(set(addresses))
    assert all(address in pods for address in addresses)
    assert IPv4Address(layout.kubernetes_service_address) in IPv4Network(layout.service_subnet)


def test_clusters_share_no_port_but_one() -> None:
    layouts = [Layout(name=f"embedded-{slot}", slot=slot) for slot in range(64)]
    ports = [port for layout in layouts for port in (layout.gateway_port, layout.secure_gateway_port)]

    assert [port for port in set(ports) if ports.count(port) > 1] == [8843]


def test_the_same_name_gives_the_same_layout_on_every_machine() -> None:
    assert layout_from_name("embedded-x").slot == 27
    assert layout_from_name("embedded-x") == layout_from_name("embedded-x")


@pytest.mark.parametrize("name", ["embedded-x", "embedded-infra", "embedded-01234567890123456789"])
def test_other_names_get_slots_of_their_own_range(name: str) -> None:
    assert 2 <= layout_from_name(name).slot <= 63


@pytest.mark.parametrize(
    "name", ["", "kind", "embedded-", "embedded-A", "embedded-a-", "embedded/x", "embedded-012345678901234567890"]
)
def test_a_bad_name_is_refused_with_what_is_accepted(name: str) -> None:
    with pytest.raises(ClusterNameError, match="accepted are 'embedded' and 'embedded-'"):
        layout_from_name(name)


def test_a_layout_is_frozen() -> None:
    layout = layout_from_name("embedded")

    with pytest.raises(dataclasses.FrozenInstanceError):
        layout.name = "embedded-x"  # type: ignore[misc]


def test_socket_paths_fit_the_kernels_limit() -> None:
    layout = layout_from_name("embedded-01234567890123456789")

    assert len(str(layout.run / "containerd.sock.ttrpc")) < 108
    assert len(str(layout.state / "kubelet" / "device-plugins" / "kubelet.sock")) < 108
