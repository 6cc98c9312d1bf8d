"""A cluster's processes, found by the marker that all of them inherit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_cluster.awaiting import await_condition
from local_cluster.layout import Layout, layout_from_name
from local_cluster.programs import MARKER

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
    """List the living processes that carry the cluster's marker (containers' own don't)."""
    return [ClusterProcess(pid=pid, inner_pid=_inner_pid(pid)) for pid, marker in _marked_processes() if marker == name]


def running_clusters() -> set[str]:
    """Return the names of all clusters that have a process."""
    return {marker for _, marker in _marked_processes()}


def cluster_in_same_slot(layout: Layout) -> str | None:
    """Return the running cluster whose name happens to give the same addresses and interface, or None."""
    others = running_clusters() - {layout.name}
    return next((name for name in sorted(others) if layout_from_name(name).slot == layout.slot), None)


def kill_cluster(name: str) -> int:
    """Kill every process of a cluster, its containers with it, and wait until they are gone.

    The containers die with the init process of the cluster's PID namespace.

    Returns:
        How many marked processes there were.
    """
    killed: set[int] = set()

    def reason() -> str | None:
        living = cluster_processes(name)
        for process in living:
            killed.add(process.pid)
            kill_process(process.pid)
        return f"{len(living)} still there" if living else None

    await_condition(f"the processes of {name} to end", reason, deadline_s=_DEATH_S)
    return len(killed)


def kill_process(pid: int) -> None:
    """Send SIGKILL; a process that is gone already is fine."""
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return


def _marked_processes() -> Iterator[tuple[int, str]]:
    for process in psutil.process_iter():
        try:
            marker = process.environ().get(MARKER)
        except (psutil.Error, OSError):
            continue  # it ended meanwhile, or it is no process of ours to read
        if marker:
            yield process.pid, marker


def _inner_pid(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return pid  # it ended meanwhile
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), pid)
