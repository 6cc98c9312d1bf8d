"""What a machine must be before anything is installed or built for a cluster: every fault at once, each with its cure.

Nothing here needs a program that apt or a build brings.
"""

import dataclasses
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from local_cluster import cgroups, host_forwarding, network
from local_cluster.capabilities import NET_ADMIN, SYS_ADMIN, has_capability, is_root_of_the_machine
from local_cluster.errors import LocalClusterError, PreflightError
from local_cluster.layout import GATEWAY_ADDRESS, Layout
from local_cluster.processes import cluster_in_same_slot, running_clusters
from local_cluster.supervision import Supervisor

FIRST_START_BYTES = 5 * 2**30
"""What a cluster's images and their containers take, with room for models."""
LATER_START_BYTES = 2 * 2**30
"""With the images there already; kubelet evicts pods below 1 GiB."""

_ARCHITECTURES = ("x86_64", "AMD64")
_PROBES = Path(__file__).with_name("kernel_probes.py")
_PROBES_S = 120
_KERNEL_LOG = Path("/dev/kmsg")
_ANOTHER_CLUSTER = (
    "deploy to a cluster of your own: `densenet-triton:cluster: {context: NAME, …}` in the stack's file "
    '(README, "Your own cluster")'
)
_OUTSIDE = "run on the machine itself, or in a container with --privileged"


def require_platform() -> None:
    """Refuse at once where nothing of a cluster can work, and only another machine helps.

    Raises:
        PreflightError: not Linux, not x86-64, or no kernel of Linux' own.
    """
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in _ARCHITECTURES:
        raise PreflightError(
            [f"the embedded cluster needs Linux on x86-64, this is {sys.platform} on {machine}: {_ANOTHER_CLUSTER}"]
        )
    if platform.release().endswith("-Microsoft"):
        mended = "`wsl --set-version DISTRIBUTION 2` in Windows, then the same command again"
        raise PreflightError([f"this is WSL 1, which has no kernel of Linux' own: {mended}; or {_ANOTHER_CLUSTER}"])


def require_root() -> None:
    """Refuse at once where the user lacks the rights for everything.

    Raises:
        PreflightError: not root.
    """
    if os.geteuid() != 0:
        mended = "run the same command with sudo"
        raise PreflightError([f"the embedded cluster needs root: {mended}; or {_ANOTHER_CLUSTER}"])


def check_machine(layout: Layout) -> None:
    """Check all that a cluster relies on and that neither apt nor a build can bring, changing nothing.

    A machine on which the cluster runs is fit: its ports and addresses are in use by the cluster itself.

    Raises:
        PreflightError: every fault that was found.
    """
    if layout.name in running_clusters() or Supervisor(layout).pid() is not None:  # the latter: an earlier version's
        return
    faults = machine_faults(layout)
    if faults:
        raise PreflightError(faults)


def machine_faults(layout: Layout) -> list[str]:
    """List what keeps the cluster, which does not run, from being started on this machine."""
    return [fault for check in CHECKS for fault in check(layout)]


def _port_faults(layout: Layout) -> Iterator[str]:
    for port in (layout.gateway_port, layout.secure_gateway_port):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((GATEWAY_ADDRESS, port))
            except OSError:
                yield (
                    f"port {port} on {GATEWAY_ADDRESS} is in use, the gateway needs it: "
                    f"end its user (`ss -ltnp sport = :{port}` names it) or take another cluster name"
                )


def _address_faults(layout: Layout) -> Iterator[str]:
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


def _disk_faults(layout: Layout) -> Iterator[str]:
    folder = _nearest_folder(layout.state)
    free = shutil.disk_usage(folder).free
    needed = LATER_START_BYTES if (layout.state / "containerd").is_dir() else FIRST_START_BYTES
    if free < needed:
        yield f"{folder} has {free / 2**30:.1f} GiB free, the cluster needs {needed / 2**30:.0f} GiB: free some space"


def _cgroup_faults(layout: Layout) -> Iterator[str]:
    missing = cgroups.missing_controllers()
    if missing:
        yield (
            f"cgroup controllers {', '.join(missing)} are missing under /sys/fs/cgroup: "
            "mount them, or boot with cgroup_enable=memory"
        )
        return
    # Not the cluster's own: another command may be starting it at this moment.
    trial = dataclasses.replace(layout, name=f"{layout.name}.check-{os.getpid()}")
    try:
        cgroups.make_cgroups(trial)
    except LocalClusterError as error:
        yield str(error)
    cgroups.remove_cgroups(trial)


def _rights_faults(layout: Layout) -> Iterator[str]:
    """Name what a container has taken away; where it has, the kernel refuses the rest for the same reason."""
    needed = {"CAP_SYS_ADMIN": SYS_ADMIN, "CAP_NET_ADMIN": NET_ADMIN}
    lacking = [name for name, number in needed.items() if not has_capability(number)]
    if not is_root_of_the_machine():
        yield f"this root is one of a user namespace, as in a rootless container: {_OUTSIDE}, as the machine's root"
    elif lacking:
        yield f"this root lacks {', '.join(lacking)}: {_OUTSIDE}"
    else:
        yield from _kernel_faults(layout)
    if not _is_readable(_KERNEL_LOG):
        yield f"{_KERNEL_LOG} can't be read, kubelet needs it: {_OUTSIDE}"
    if not host_forwarding.can_be_set():
        yield f"/proc/sys/net is read-only, and the host forwards nothing yet: {_OUTSIDE}"


def _kernel_faults(layout: Layout) -> Iterator[str]:
    place = _nearest_folder(layout.state)
    try:
        with tempfile.TemporaryDirectory(prefix=".densenet-triton-", dir=place) as folder:
            command = [sys.executable, "-I", str(_PROBES), folder]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PROBES_S).stdout
    except (subprocess.SubprocessError, OSError) as error:
        yield f"what the kernel gives a cluster could not be tried: {error}; {_OUTSIDE}"
        return
    failures: dict[str, str] = json.loads(answer)
    overlay = failures.pop("overlayfs", None)
    if failures:
        shown = ", ".join(f"{feature} ({reason})" for feature, reason in failures.items())
        yield f"the kernel gives no {shown}: `modprobe -a veth nf_tables ip_set`; in a container, {_OUTSIDE}"
    if overlay is not None and "mount namespaces" not in failures:
        yield (
            f"no overlayfs can be mounted on {place} ({overlay}), and every container is one: `modprobe overlay`; "
            f"where that folder is of a file system that can't carry one, mount ext4 or xfs at {layout.state.parent}"
        )


def _nearest_folder(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _is_readable(device: Path) -> bool:
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


CHECKS: tuple[Callable[[Layout], Iterator[str]], ...] = (
    _port_faults,
    _address_faults,
    _disk_faults,
    _cgroup_faults,
    _rights_faults,
)
