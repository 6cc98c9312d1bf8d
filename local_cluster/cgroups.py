"""The cgroup under which kubelet keeps all pods, in every hierarchy that the machine has."""

import os
from pathlib import Path

from local_cluster.awaiting import await_condition
from local_cluster.errors import LocalClusterError
from local_cluster.layout import Layout
from local_cluster.processes import kill_process

CONTROLLERS_V1 = ("cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids")
CONTROLLERS_V2 = ("cpu", "cpuset", "memory", "pids")
_WELCOME_V2 = ("hugetlb", "io")
_ROOT = Path("/sys/fs/cgroup")
_EMPTY_S = 20


class CgroupError(LocalClusterError):
    """The machine's cgroups can't hold a cluster."""


def is_unified(root: Path = _ROOT) -> bool:
    """Tell whether the machine has cgroup v2 alone."""
    return (root / "cgroup.controllers").is_file()


def hierarchies(mounts: Path = Path("/proc/self/mounts"), root: Path = _ROOT) -> list[Path]:
    """List the mount points of all hierarchies; v1 machines may have one of v2 beside."""
    if is_unified(root):
        return [root]
    lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    return [Path(words[1]) for words in lines if words[2] in ("cgroup", "cgroup2")]


def missing_controllers(root: Path = _ROOT) -> list[str]:
    """List the controllers that kubelet needs and the machine lacks."""
    if is_unified(root):
        offered = (root / "cgroup.controllers").read_text(encoding="utf-8").split()
        return [controller for controller in CONTROLLERS_V2 if controller not in offered]
    return [controller for controller in CONTROLLERS_V1 if not (root / controller).is_dir()]


def make_cgroups(layout: Layout) -> None:
    """Make the cluster's cgroup in every hierarchy.

    Raises:
        CgroupError: the kernel or a container around us forbids it.
    """
    for hierarchy in hierarchies():
        folder = hierarchy / layout.cgroup
        try:
            if is_unified():
                _pass_controllers_on(hierarchy)
            folder.mkdir(exist_ok=True)
            if is_unified():
                _pass_controllers_on(folder)
            else:
                _inherit_cpuset(folder)
        except OSError as error:
            raise CgroupError(
                f"cgroup {folder} can't be made ({error.strerror}): run on the machine itself, "
                "or in a container with a writable cgroup tree of its own"
            ) from error


def remove_cgroups(layout: Layout) -> None:
    """Kill what is left in the cluster's cgroups, and remove them."""
    folders = [hierarchy / layout.cgroup for hierarchy in hierarchies()]

    def reason() -> str | None:
        left = [folder for folder in folders if folder.is_dir() and not _removed(folder)]
        return f"{left[0]} is in use" if left else None

    await_condition("cgroups to empty", reason, deadline_s=_EMPTY_S)


def _pass_controllers_on(folder: Path) -> None:
    offered = (folder / "cgroup.controllers").read_text(encoding="utf-8").split()
    passed = (folder / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    for controller in (*CONTROLLERS_V2, *_WELCOME_V2):
        if controller in offered and controller not in passed:
            (folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="utf-8")


def _inherit_cpuset(folder: Path) -> None:
    """Fill a new v1 cpuset, which starts empty and then takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.is_file() and not file.read_text(encoding="utf-8").strip():
            file.write_text((folder.parent / name).read_text(encoding="utf-8"), encoding="utf-8")


def _removed(top: Path) -> bool:
    """Remove a tree of cgroups from its leaves up; kill what still runs in it and return False then."""
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            for pid in (Path(folder) / "cgroup.procs").read_text(encoding="utf-8").split():
                kill_process(int(pid))
            return False
    return True
