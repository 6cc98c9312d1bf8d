"""A cluster's cgroup, in every hierarchy that the machine has: what is in it is the cluster's, and nothing else is.

In it lie `system`, for the cluster's own processes, and `kubepods`, which kubelet makes for the pods. On cgroup v2 a
cgroup holds either processes or others with controllers, so nothing runs in the cluster's cgroup itself.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from local_cluster.awaiting import await_condition
from local_cluster.errors import ClusterNameError, LocalClusterError
from local_cluster.layout import CGROUP_PREFIX, Layout, layout_from_name

CONTROLLERS_V1 = ("cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids")
CONTROLLERS_V2 = ("cpu", "cpuset", "memory", "pids")
SYSTEM = "system"
"""The cgroup of the supervisor and all that it starts, containers excepted; in the cluster's own."""

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
    # Elsewhere lie views of them, a container's or a chroot's.
    return [Path(words[1]) for words in lines if words[2] in ("cgroup", "cgroup2") and root in Path(words[1]).parents]


def missing_controllers(root: Path = _ROOT) -> list[str]:
    """List the controllers that kubelet needs and the machine lacks."""
    if is_unified(root):
        offered = (root / "cgroup.controllers").read_text(encoding="utf-8").split()
        return [controller for controller in CONTROLLERS_V2 if controller not in offered]
    return [controller for controller in CONTROLLERS_V1 if not (root / controller).is_dir()]


def make_cgroups(layout: Layout, root: Path = _ROOT) -> None:
    """Make the cluster's cgroup and `system` in it, in every hierarchy.

    Raises:
        CgroupError: the kernel or a container around us forbids it.
    """
    for hierarchy in hierarchies(root=root):
        folder = hierarchy / layout.cgroup
        try:
            if is_unified(root):
                _pass_controllers_on(hierarchy)
            for made in (folder, folder / SYSTEM):
                made.mkdir(exist_ok=True)
                if not is_unified(root):
                    _inherit_cpuset(made)
            if is_unified(root):
                _pass_controllers_on(folder)
        except OSError as error:
            raise CgroupError(
                f"cgroup {folder} can't be made ({error.strerror}): run on the machine itself, "
                "or in a container with a writable cgroup tree of its own"
            ) from error


@contextmanager
def entrance(layout: Layout, root: Path = _ROOT) -> Iterator[Callable[[], None]]:
    """Yield what a new process calls before it becomes its program: it enters `system` in every hierarchy.

    The cgroups are held open, not named: a process of an `up` that was killed meanwhile can't enter those that a
    later `up` makes at the same place.
    """
    with ExitStack() as stack:
        doors = [
            stack.enter_context((hierarchy / layout.cgroup / SYSTEM / "cgroup.procs").open("wb", buffering=0))
            for hierarchy in hierarchies(root=root)
        ]

        def enter() -> None:
            for door in doors:
                door.write(b"0")  # the writer itself

        yield enter


def members(layout: Layout, root: Path = _ROOT) -> list[int]:
    """List the ids of the processes in the cluster's cgroup, its pods' included."""
    return _processes_in(_registry(root) / layout.cgroup)


def occupied(root: Path = _ROOT) -> list[Layout]:
    """List the clusters whose cgroup has a process in it."""
    found = []
    for folder in sorted(_registry(root).glob(f"{CGROUP_PREFIX}*")):
        try:
            layout = layout_from_name(folder.name.removeprefix(CGROUP_PREFIX))
        except ClusterNameError:
            continue  # somebody else's
        if _processes_in(folder):
            found.append(layout)
    return found


def kill_members(layout: Layout, root: Path = _ROOT) -> None:
    """Kill all that is in the cluster's cgroup; returns at once, so that some may take a moment to end."""
    _kill_in(_registry(root) / layout.cgroup)


def remove_cgroups(layout: Layout, root: Path = _ROOT) -> None:
    """Kill what is left in the cluster's cgroups, and remove them.

    On cgroup v2 the root goes on passing its controllers on: others may have come to rely on it.
    """
    folders = [hierarchy / layout.cgroup for hierarchy in hierarchies(root=root)]

    def reason() -> str | None:
        left = [folder for folder in folders if folder.is_dir() and not _removed(folder)]
        return f"{left[0]} is in use" if left else None

    await_condition("cgroups to empty", reason, deadline_s=_EMPTY_S)


def kill_process(pid: int) -> None:
    """Send SIGKILL; a process that is gone already is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _registry(root: Path) -> Path:
    """Return the hierarchy that tells what belongs to a cluster: on v1, one that kubelet puts every pod in."""
    return root if is_unified(root) else root / "pids"


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


def _processes_in(top: Path) -> list[int]:
    found: set[int] = set()
    for folder, _, _ in os.walk(top):
        try:
            found.update(map(int, (Path(folder) / "cgroup.procs").read_text(encoding="utf-8").split()))
        except OSError:
            continue  # it was removed meanwhile
    return sorted(found - {0})  # 0 is a process that this PID namespace doesn't know


def _kill_in(top: Path) -> None:
    at_once = top / "cgroup.kill"
    if at_once.is_file():  # cgroup v2: what is forked meanwhile dies too
        at_once.write_text("1", encoding="utf-8")
        return
    for pid in _processes_in(top):
        kill_process(pid)


def _removed(top: Path) -> bool:
    """Remove a tree of cgroups from its leaves up; kill what still runs in it and return False then."""
    for folder, _, _ in os.walk(top, topdown=False):
        try:
            Path(folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            _kill_in(Path(folder))
            return False
    return True
