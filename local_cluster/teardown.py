"""Take a cluster down, half-made ones too, and leave nothing."""

import shutil
from pathlib import Path

from local_cluster import cgroups, host_forwarding, host_rules, network
from local_cluster.errors import LocalClusterError
from local_cluster.files import make_folder
from local_cluster.layout import STATE_ROOT, Layout
from local_cluster.processes import cluster_in_same_slot, kill_cluster, running_clusters
from local_cluster.supervision import Supervisor

FIXED_FOLDERS = tuple(map(Path, ("/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")))
"""Where some programs keep things at fixed places: each cluster mounts its own there, the host's stay as they are."""

_MADE = ".made-for-densenet-triton"
"""File in a fixed folder that the host lacked, so that only such a one is removed again; no cluster sees it."""


class MountedDataError(LocalClusterError):
    """Something is mounted in the folder that is to be removed."""


def bring_down(layout: Layout, *, keep_data: bool) -> None:
    """Remove a cluster from the machine.

    Processes are killed, not asked: etcd and containerd write so that a kill loses nothing they promised.

    Args:
        layout: the cluster; it may be running, broken, or not there.
        keep_data: leave the state folder for the next `up`.

    Raises:
        MountedDataError: a mount of somebody else's lies in the state folder; all else is removed.
        DeadlineError: something does not go away.
    """
    end_processes(layout)
    if cluster_in_same_slot(layout) is None:
        host_rules.remove(layout)
    host_forwarding.release(layout)
    if not keep_data:
        refuse_to_remove_mounts(layout.state)
        remove_tree(layout.state)
    _remove_if_empty(STATE_ROOT)
    if not running_clusters():
        # Removing a folder unmounts what another mount namespace has on it.
        remove_fixed_folders()


def make_fixed_folders(folders: tuple[Path, ...] = FIXED_FOLDERS) -> None:
    """Make those of the fixed folders that the host lacks."""
    for folder in folders:
        if not folder.is_dir():
            make_folder(folder, mode=0o755)
            (folder / _MADE).touch()


def remove_fixed_folders(folders: tuple[Path, ...] = FIXED_FOLDERS) -> None:
    """Remove those of the fixed folders that were made here and have nothing else in them."""
    for folder in folders:
        if (folder / _MADE).exists():
            (folder / _MADE).unlink()
            _remove_if_empty(folder)


def end_processes(layout: Layout) -> None:
    """Kill all that runs of a cluster; remove its cgroups, sockets and interface."""
    supervisor = Supervisor(layout).pid()
    if supervisor is not None:  # also one that an earlier version started in another cgroup, or that was moved
        cgroups.kill_process(supervisor)
    kill_cluster(layout.name)
    cgroups.remove_cgroups(layout)
    remove_tree(layout.run)
    if cluster_in_same_slot(layout) is None:
        network.await_interface_gone(layout)


def remove_tree(folder: Path) -> None:
    """Remove a folder with all in it; one that is not there is fine."""
    if folder.exists():
        shutil.rmtree(folder)


def refuse_to_remove_mounts(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Raise MountedDataError where something is mounted in a folder that is to be removed."""
    for line in mounts.read_text(encoding="utf-8").splitlines():
        mount_point = Path(line.split()[1].encode().decode("unicode_escape"))
        if mount_point.is_relative_to(folder):
            raise MountedDataError(
                f"{mount_point} is a mount inside of {folder}, which is to be removed: "
                f"umount {mount_point}, then `down` again"
            )


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # somebody else's things are in it, or it is gone
