"""What a machine must be and have before a cluster is started on it: every fault at once, each with its cure."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator

from local_cluster import cgroups, network, programs
from local_cluster.definitions import DefinitionsError, definition_files
from local_cluster.errors import LocalClusterError, PreflightError
from local_cluster.layout import STATE_ROOT, Layout
from local_cluster.processes import cluster_in_same_slot

FREE_BYTES = 5 * 2**30
_IN_NEW_NETWORK = ("unshare", "--net")
_NAT_RULES = (
    "add table ip t; add chain ip t c { type nat hook postrouting priority srcnat; }; add rule ip t c masquerade"
)
_KERNEL_FEATURES = {
    "mount namespaces": ("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"),
    "PID namespaces": ("unshare", "--pid", "--fork", "true"),
    "bridge": (*_IN_NEW_NETWORK, "ip", "link", "add", "probe0", "type", "bridge"),
    "veth": (*_IN_NEW_NETWORK, "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1"),
    "nf_tables": (*_IN_NEW_NETWORK, "nft", _NAT_RULES),
}


def require_root_on_linux() -> None:
    """Refuse at once where nothing of a cluster can work.

    Raises:
        PreflightError: not Linux, or not root.
    """
    if not sys.platform.startswith("linux"):
        raise PreflightError(
            [f"the embedded cluster needs Linux, this is {sys.platform}: name another cluster's context"]
        )
    if os.geteuid() != 0:
        raise PreflightError(["the embedded cluster needs root: run the same command with sudo"])


def check_machine(layout: Layout) -> None:
    """Check everything that `up` relies on, changing nothing.

    Raises:
        PreflightError: every fault that was found.
    """
    faults = [fault for check in CHECKS for fault in check(layout)]
    if faults:
        raise PreflightError(faults)


def _program_faults(_layout: Layout) -> Iterator[str]:
    missing: dict[str, list[str]] = {}
    for name in (*programs.DEBIAN_PACKAGES, *programs.BUILT):
        if programs.find(name) is None:
            missing.setdefault(programs.cure(name), []).append(name)
    for cure, names in missing.items():
        yield f"not on PATH: {', '.join(names)}; {cure}"
    if programs.cni_folder() is None:
        plugins = ", ".join(programs.CNI_PLUGINS)
        yield f"CNI plugins {plugins} are not installed: apt-get install {programs.CNI_PACKAGE}"


def _definition_faults(_layout: Layout) -> Iterator[str]:
    try:
        definition_files()
    except DefinitionsError as error:
        yield str(error)


def _port_faults(layout: Layout) -> Iterator[str]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", layout.gateway_port))
        except OSError:
            yield (
                f"port {layout.gateway_port} on 127.0.0.1 is in use, the gateway needs it: "
                f"end its user (`ss -ltnp sport = :{layout.gateway_port}` names it) or take another cluster name"
            )


def _address_faults(layout: Layout) -> Iterator[str]:
    if programs.find("ip") is None:
        return
    neighbour = cluster_in_same_slot(layout)
    if neighbour is not None:
        yield f"cluster {neighbour} is running on {layout.pod_subnet} already: take another cluster name"
        return
    conflict = network.conflicting_route(layout)
    if conflict is not None:
        interface, subnet = conflict
        yield (
            f"interface {interface} uses {subnet}, the cluster needs {layout.pod_subnet} and "
            f"{layout.service_subnet}: take that interface down or take another cluster name"
        )


def _disk_faults(_layout: Layout) -> Iterator[str]:
    folder = next(folder for folder in (STATE_ROOT, *STATE_ROOT.parents) if folder.is_dir())
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        yield (
            f"{folder} has {free / 2**30:.1f} GiB free, the cluster needs {FREE_BYTES / 2**30:.0f} GiB: free some space"
        )


def _cgroup_faults(layout: Layout) -> Iterator[str]:
    missing = cgroups.missing_controllers()
    if missing:
        yield (
            f"cgroup controllers {', '.join(missing)} are missing under /sys/fs/cgroup: "
            "mount them, or boot with cgroup_enable=memory"
        )
        return
    try:
        cgroups.make_cgroups(layout)
    except LocalClusterError as error:
        yield str(error)
    cgroups.remove_cgroups(layout)


def _kernel_faults(_layout: Layout) -> Iterator[str]:
    for feature, command in _KERNEL_FEATURES.items():
        if any(programs.find(word) is None for word in command if word in programs.DEBIAN_PACKAGES):
            continue  # named among the programs
        if not programs.succeeds(command):
            yield (
                f"the kernel gives no {feature}: `modprobe -a bridge veth nf_tables overlay`; "
                "in a container, run on the machine itself"
            )


CHECKS: tuple[Callable[[Layout], Iterator[str]], ...] = (
    _program_faults,
    _definition_faults,
    _port_faults,
    _address_faults,
    _disk_faults,
    _cgroup_faults,
    _kernel_faults,
)
