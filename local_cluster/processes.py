"""A cluster's processes: those in its cgroup, whatever they say of themselves."""

from dataclasses import dataclass
from pathlib import Path

from local_cluster import cgroups
from local_cluster.awaiting import await_condition
from local_cluster.layout import Layout, layout_from_name

_DEATH_S = 20


@dataclass(frozen=True, kw_only=True)
class ClusterProcess:
    """One process of a cluster.

    Attributes:
        pid: its id on the host.
        inner_pid: its id in the cluster's own PID namespace; equal to ``pid`` outside of it.
    """

    pid: int
    inner_pid: int


def cluster_processes(name: str) -> list[ClusterProcess]:
    """List the living processes in the cluster's cgroup, its pods' included."""
    return [ClusterProcess(pid=pid, inner_pid=_inner_pid(pid)) for pid in cgroups.members(layout_from_name(name))]


def running_clusters() -> set[str]:
    """Return the names of all clusters that have a process."""
    return {layout.name for layout in cgroups.occupied()}


def cluster_in_same_slot(layout: Layout) -> str | None:
    """Return the running cluster whose name happens to give the same addresses and interface, or None."""
    others = [other.name for other in cgroups.occupied() if other.name != layout.name and other.slot == layout.slot]
    return min(others, default=None)


def kill_cluster(name: str) -> None:
    """Kill every process of a cluster, its containers' too, and wait until they are gone.

    Raises:
        DeadlineError: something does not end.
    """
    layout = layout_from_name(name)

    def reason() -> str | None:
        living = cgroups.members(layout)
        if living:
            cgroups.kill_members(layout)
        return f"{len(living)} still there" if living else None

    await_condition(f"the processes of {name} to end", reason, deadline_s=_DEATH_S)


def _inner_pid(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return pid  # it ended meanwhile
    ids = next((line.split()[1:] for line in lines if line.startswith("NSpid:")), [])
    return int(ids[1]) if len(ids) > 1 else pid  # a container's has a third, of a namespace further in
