import base64
import datetime as dt
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cluster import pki
from local_cluster.configuration import rendered_files, unprivileged_files
from local_cluster.layout import Layout


def rendered(layout: Layout, **changes: Any) -> Mapping[Path, str]:
    values: dict[str, Any] = {
        "runc": "/usr/sbin/runc",
        "cni_folder": Path("/usr/lib/cni"),
        "pause_image": "localhost/pause:1",
        "mtu": 1400,
        "may_lower_oom_score": False,
    }
    return rendered_files(layout, **(values | changes))


def test_containerd_keeps_to_the_clusters_folders(layout: Layout) -> None:
    config = tomllib.loads(rendered(layout)[layout.config / "containerd.toml"])

    assert config["root"] == str(layout.state / "containerd")
    assert config["state"] == str(layout.run / "containerd")
    assert config["grpc"]["address"] == str(layout.containerd_socket)
    assert config["imports"] == []
    assert config["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == "localhost/pause:1"
    assert config["plugins"]["io.containerd.cri.v1.runtime"]["netns_mounts_under_state_dir"] is True


@pytest.mark.parametrize("may_lower", [True, False])
def test_out_of_memory_scores_are_restricted_only_where_root_may_not_lower_them(
    layout: Layout, *, may_lower: bool
) -> None:
    files = rendered(layout, may_lower_oom_score=may_lower)

    runtime = tomllib.loads(files[layout.config / "containerd.toml"])["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is not may_lower


def test_pods_get_addresses_below_the_hosts(layout: Layout) -> None:
    network = json.loads(rendered(layout)[layout.config / "pod-network" / "10-ptp.conflist"])

    link = network["plugins"][0]
    assert (link["type"], link["mtu"]) == ("ptp", 1400)
    assert link["ipam"]["ranges"] == [
        [{"subnet": "10.210.1.0/24", "gateway": "10.210.1.1", "rangeEnd": "10.210.1.253"}]
    ]


def test_kubelet_is_the_clusters_own_and_never_removes_an_image(layout: Layout) -> None:
    config = yaml.safe_load(rendered(layout)[layout.config / "kubelet.yaml"])
    assert config["imagePullCredentialsVerificationPolicy"] == "NeverVerifyAllowlistedImages"
    assert config["preloadedImagesVerificationAllowlist"] == ["localhost/*"]

    assert config["address"] == "10.210.1.1"
    assert config["cgroupRoot"] == "/densenet-triton-embedded-test"
    assert config["clusterDNS"] == ["10.210.1.1"]
    assert config["failCgroupV1"] is False
    assert config["imageGCHighThresholdPercent"] == 100
    assert config["imageMaximumGCAge"] == "0s"
    assert config["authentication"]["anonymous"] == {"enabled": False}


def test_how_a_registry_is_reached_is_said_in_a_folder_of_the_clusters_own(layout: Layout) -> None:
    config = tomllib.loads(rendered(layout)[layout.config / "containerd.toml"])

    registry = config["plugins"]["io.containerd.cri.v1.images"]["registry"]
    assert registry == {"config_path": str(layout.state / "config" / "certs.d")}


def test_kube_proxy_changes_no_limit_of_the_machine(layout: Layout) -> None:
    config = yaml.safe_load(rendered(layout)[layout.config / "kube-proxy.yaml"])

    assert config["mode"] == "nftables"
    assert set(config["conntrack"].values()) == {0, "0s"}


def corefile(layout: Layout, nameservers: list[str]) -> str:
    pki.ensure_pki(layout, now=dt.datetime.now(dt.UTC))
    return unprivileged_files(layout, nameservers=nameservers)["coredns"][layout.state / "coredns" / "Corefile"]


def test_names_outside_are_asked_of_the_hosts_servers(layout: Layout) -> None:
    text = corefile(layout, ["192.0.2.53", "192.0.2.54"])

    assert "bind 10.210.1.1\n" in text
    assert "forward . 192.0.2.53 192.0.2.54\n" in text


def test_without_a_server_the_cluster_answers_for_itself_alone(layout: Layout) -> None:
    assert "forward" not in corefile(layout, [])


def test_pods_that_take_the_nodes_servers_ask_the_clusters_own(layout: Layout) -> None:
    files = rendered(layout)

    assert yaml.safe_load(files[layout.config / "kubelet.yaml"])["resolvConf"] == str(layout.config / "resolv.conf")
    assert files[layout.config / "resolv.conf"] == "nameserver 10.210.1.1\n"


def test_a_component_that_is_not_root_has_its_own_key_and_no_others(layout: Layout) -> None:
    pki.ensure_pki(layout, now=dt.datetime.now(dt.UTC))
    files = unprivileged_files(layout, nameservers=[])

    assert {path.parent for own in files.values() for path in own} == {
        layout.state / "coredns",
        layout.state / "traefik",
    }
    for name, own in files.items():
        user = yaml.safe_load(own[layout.state / name / "kubeconfig"])["users"][0]["user"]
        assert base64.b64decode(user["client-key-data"]) == pki.key_path(layout, name).read_bytes()
