import json
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from local_cluster import machine
from local_cluster.cgroups import CgroupError
from local_cluster.errors import PreflightError
from local_cluster.layout import Layout


@pytest.fixture(autouse=True)
def fit_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a fault, whatever the real one is."""
    monkeypatch.setattr("local_cluster.network.conflicting_route", lambda _layout: None)
    monkeypatch.setattr(machine, "cluster_in_same_slot", lambda _layout: None)
    monkeypatch.setattr(machine, "running_clusters", set)
    for port in ("gateway_port", "secure_gateway_port"):
        monkeypatch.setattr(Layout, port, 0)  # any free one
    monkeypatch.setattr("local_cluster.cgroups.missing_controllers", list)
    monkeypatch.setattr("local_cluster.cgroups.make_cgroups", lambda _layout: None)
    monkeypatch.setattr("local_cluster.cgroups.remove_cgroups", lambda _layout: None)
    monkeypatch.setattr(machine, "has_capability", lambda _number: True)
    monkeypatch.setattr(machine, "is_root_of_the_machine", lambda: True)
    monkeypatch.setattr("local_cluster.host_forwarding.can_be_set", lambda: True)
    monkeypatch.setattr(machine, "_KERNEL_LOG", Path("/dev/null"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.release", lambda: "6.1.0-18-amd64")
    with_free(monkeypatch, 100 * 2**30)
    with_kernel(monkeypatch, {})


def with_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    usage = namedtuple("usage", "free")(free_bytes)  # noqa: PYI024 - a stand-in for shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)


def with_kernel(monkeypatch: pytest.MonkeyPatch, failures: dict[str, str]) -> None:
    answer = subprocess.CompletedProcess((), 0, stdout=json.dumps(failures))
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: answer)


def faults(layout: Layout) -> tuple[str, ...]:
    with pytest.raises(PreflightError) as caught:
        machine.check_machine(layout)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


def test_a_fit_machine_passes(layout: Layout) -> None:
    machine.check_machine(layout)


@pytest.mark.parametrize("which", ["gateway_port", "secure_gateway_port"])
def test_a_used_port_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(Layout, which, port)

        (fault,) = faults(layout)
    assert fault.startswith(f"port {port} on 127.0.0.1 is in use")


def test_what_the_running_cluster_uses_is_no_fault(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "running_clusters", lambda: {layout.name})
    monkeypatch.setattr("local_cluster.network.conflicting_route", lambda _layout: ("dtri1", layout.pod_subnet))
    with_free(monkeypatch, 0)

    machine.check_machine(layout)


def test_a_used_address_range_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.network.conflicting_route", lambda _layout: ("eth9", "10.210.0.0/16"))

    (fault,) = faults(layout)
    assert fault.startswith("interface eth9 uses 10.210.0.0/16")


def test_a_cluster_in_the_same_slot_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cluster_in_same_slot", lambda _layout: "embedded-other")

    (fault,) = faults(layout)
    assert fault.startswith("cluster embedded-other is running on 10.210.1.0/24 already")


def test_a_full_disk_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 2**30)

    (fault,) = faults(layout)
    assert "has 1.0 GiB free, the cluster needs 5 GiB" in fault


def test_a_cluster_with_its_images_there_needs_less(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    (layout.state / "containerd").mkdir()
    with_free(monkeypatch, 3 * 2**30)

    machine.check_machine(layout)


def test_missing_cgroup_controllers_are_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.cgroups.missing_controllers", lambda: ["memory"])

    (fault,) = faults(layout)
    assert fault.startswith("cgroup controllers memory are missing")


def test_a_read_only_cgroup_tree_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_layout: Layout) -> None:
        raise CgroupError("cgroup /x can't be made")

    monkeypatch.setattr("local_cluster.cgroups.make_cgroups", refuse)

    assert faults(layout) == ("cgroup /x can't be made",)


def test_the_clusters_own_cgroup_is_not_touched(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    monkeypatch.setattr("local_cluster.cgroups.make_cgroups", lambda trial: touched.append(trial.cgroup))
    monkeypatch.setattr("local_cluster.cgroups.remove_cgroups", lambda trial: touched.append(trial.cgroup))

    machine.check_machine(layout)

    assert len(touched) == 2
    assert layout.cgroup not in touched


def test_a_kernel_without_features_is_named_in_one_line(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, {"veth": "Operation not supported", "ip_set": "Operation not supported"})

    (fault,) = faults(layout)
    assert fault.startswith("the kernel gives no veth (Operation not supported), ip_set (Operation not supported): ")


def test_a_file_system_that_carries_no_overlay_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with_kernel(monkeypatch, {"overlayfs": "Invalid argument"})

    (fault,) = faults(layout)
    assert fault.startswith(f"no overlayfs can be mounted on {layout.state} (Invalid argument)")
    assert f"mount ext4 or xfs at {layout.state.parent}" in fault


def test_a_container_without_rights_is_one_line(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "has_capability", lambda _number: False)
    with_kernel(monkeypatch, {"veth": "Operation not permitted"})

    (fault,) = faults(layout)
    assert fault.startswith(
        "this root lacks CAP_SYS_ADMIN, CAP_NET_ADMIN: run on the machine itself, or in a container"
    )


def test_a_rootless_container_is_one_line(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "is_root_of_the_machine", lambda: False)

    (fault,) = faults(layout)
    assert fault.startswith("this root is one of a user namespace, as in a rootless container: ")


def test_what_a_container_hides_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_KERNEL_LOG", Path("/absent/kmsg"))
    monkeypatch.setattr("local_cluster.host_forwarding.can_be_set", lambda: False)

    log, settings = faults(layout)
    assert log.startswith("/absent/kmsg can't be read, kubelet needs it")
    assert settings.startswith("/proc/sys/net is read-only")


def test_all_faults_are_told_at_once(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with_free(monkeypatch, 0)
    with_kernel(monkeypatch, {"veth": "Operation not supported", "overlayfs": "No such device"})

    assert len(faults(layout)) == 3


@pytest.mark.parametrize(("system", "processor"), [("darwin", "arm64"), ("linux", "aarch64"), ("darwin", "x86_64")])
def test_another_platform_is_refused_with_what_to_do_instead(
    system: str, processor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("platform.machine", lambda: processor)

    with pytest.raises(PreflightError, match=f"needs Linux on x86-64, this is {system} on {processor}: ") as caught:
        machine.require_platform()
    assert "densenet-triton:cluster: {context: NAME" in str(caught.value)


def test_wsl_1_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: "4.4.0-19041-Microsoft")

    with pytest.raises(PreflightError, match="this is WSL 1, which has no kernel of Linux' own: `wsl --set-vers"):
        machine.require_platform()


@pytest.mark.parametrize("release", ["5.15.153.1-microsoft-standard-WSL2", "6.1.0-18-amd64"])
def test_wsl_2_is_as_good_as_any(release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.release", lambda: release)

    machine.require_platform()


def test_another_user_than_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(PreflightError, match="needs root: run the same command with sudo; or deploy to a cluster of"):
        machine.require_root()
