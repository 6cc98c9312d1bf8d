import shutil
import socket
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from local_cluster import preflight
from local_cluster.cgroups import CgroupError
from local_cluster.errors import PreflightError
from local_cluster.layout import Layout


@pytest.fixture(autouse=True)
def fit_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a fault, whatever the real one is."""
    for name in ("gateway-api", "traefik"):
        (tmp_path / "share" / name).mkdir(parents=True)
        (tmp_path / "share" / name / "crd.yaml").touch()
    monkeypatch.setenv("DENSENET_TOOLS_SHARE", str(tmp_path / "share"))
    monkeypatch.setattr("local_cluster.programs.find", lambda program: f"/bin/{program}")
    monkeypatch.setattr("local_cluster.programs.cni_folder", lambda: Path("/usr/lib/cni"))
    monkeypatch.setattr("local_cluster.network.conflicting_route", lambda _layout: None)
    monkeypatch.setattr("local_cluster.preflight.cluster_in_same_slot", lambda _layout: None)
    monkeypatch.setattr(Layout, "gateway_port", 0)  # any free one
    monkeypatch.setattr("local_cluster.cgroups.missing_controllers", list)
    monkeypatch.setattr("local_cluster.cgroups.make_cgroups", lambda _layout: None)
    monkeypatch.setattr("local_cluster.cgroups.remove_cgroups", lambda _layout: None)
    monkeypatch.setattr("local_cluster.preflight._KERNEL_FEATURES", {"bridge": (sys.executable, "-c", "")})
    usage = namedtuple("usage", "free")(100 * 2**30)  # noqa: PYI024 - a stand-in for shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)


def faults(layout: Layout) -> tuple[str, ...]:
    with pytest.raises(PreflightError) as caught:
        preflight.check_machine(layout)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_a_fit_machine_passes(layout: Layout) -> None:
    preflight.check_machine(layout)


def test_a_program_that_make_tools_builds_is_named_with_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program == "kubelet" else program)

    (fault,) = faults(layout)
    assert fault.startswith("not on PATH: kubelet; run `make tools`")


def test_a_program_of_debian_is_named_with_its_package(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program == "nft" else program)

    assert faults(layout) == ("not on PATH: nft; apt-get install nftables",)


def test_programs_with_the_same_cure_share_a_line(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ("etcd", "traefik", "nsenter", "unshare")
    monkeypatch.setattr("local_cluster.programs.find", lambda program: None if program in missing else program)

    debian, built = faults(layout)
    assert debian == "not on PATH: nsenter, unshare; apt-get install util-linux"
    assert built.startswith("not on PATH: etcd, traefik; run `make tools`")


def test_absent_cni_plugins_are_named_with_their_package(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.cni_folder", lambda: None)

    (fault,) = faults(layout)
    assert "apt-get install containernetworking-plugins" in fault


def test_absent_definitions_are_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DENSENET_TOOLS_SHARE")

    (fault,) = faults(layout)
    assert fault.startswith("DENSENET_TOOLS_SHARE is not set: run `make tools`")


def test_a_used_port_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(Layout, "gateway_port", port)

        (fault,) = faults(layout)
    assert fault.startswith(f"port {port} on 127.0.0.1 is in use")


def test_a_used_address_range_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.network.conflicting_route", lambda _layout: ("eth9", "10.210.0.0/16"))

    (fault,) = faults(layout)
    assert fault.startswith("interface eth9 uses 10.210.0.0/16")


def test_a_cluster_in_the_same_slot_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.preflight.cluster_in_same_slot", lambda _layout: "embedded-other")

    (fault,) = faults(layout)
    assert fault.startswith("cluster embedded-other is running on 10.210.1.0/24 already")


def test_a_full_disk_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")(2**30)  # noqa: PYI024 - a stand-in for shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    (fault,) = faults(layout)
    assert "has 1.0 GiB free, the cluster needs 5 GiB" in fault


def test_missing_cgroup_controllers_are_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.cgroups.missing_controllers", lambda: ["memory"])

    (fault,) = faults(layout)
    assert fault.startswith("cgroup controllers memory are missing")


def test_a_read_only_cgroup_tree_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_layout: Layout) -> None:
        raise CgroupError("cgroup /x can't be made")

    monkeypatch.setattr("local_cluster.cgroups.make_cgroups", refuse)

    assert faults(layout) == ("cgroup /x can't be made",)


def test_a_kernel_without_a_feature_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = {"veth": (sys.executable, "-c", "raise SystemExit(1)")}
    monkeypatch.setattr("local_cluster.preflight._KERNEL_FEATURES", refusing)

    (fault,) = faults(layout)
    assert fault.startswith("the kernel gives no veth")


def test_all_faults_are_told_at_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.cni_folder", lambda: None)
    monkeypatch.delenv("DENSENET_TOOLS_SHARE")

    assert len(faults(layout)) == 2


def test_another_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(PreflightError, match="needs Linux, this is darwin"):
        preflight.require_root_on_linux()


def test_another_user_than_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(PreflightError, match="needs root: run the same command with sudo"):
        preflight.require_root_on_linux()
