"""The processes of a cluster and of its pods, as they are found on the host, and signals to them."""

import contextlib
import signal
from pathlib import Path

import psutil

from local_cluster.awaiting import await_condition
from local_cluster.errors import LocalClusterError
from tests.cluster.driver import ClusterDriver

_BACK_S = 90


def component_pid(cluster: ClusterDriver, name: str) -> int:
    """Return a component's process id on the host."""
    pid = cluster.pids()[name]
    assert pid is not None, f"{name} does not run"
    return pid


def end_component(cluster: ClusterDriver, name: str, number: signal.Signals) -> None:
    """Send a signal that ends a component, and wait until the cluster is healthy with another in its place."""
    ended = component_pid(cluster, name)
    psutil.Process(ended).send_signal(number)

    def reason() -> str | None:
        try:
            health = cluster.health()
        except LocalClusterError as error:
            return str(error)
        now = next(component for component in health.components if component.name == name)
        return None if now.pid not in {None, ended} and health.is_healthy else f"{now}, {health.node}"

    await_condition(f"{name} to come back", reason, deadline_s=_BACK_S)


def process_of_pod(uid: str, program: str) -> psutil.Process | None:
    """Return the process of a program in a pod, by the pod's UID; None where there is none."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if Path(next(iter(process.cmdline()), "")).name == program and uid in _cgroup(process.pid):
                return process
    return None


def has_descendant(process: int, word: str) -> bool:
    """Whether a process has started one, itself or by others, whose command line has a word."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if word in child.cmdline():
                    return True
    return False


def _cgroup(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").replace("_", "-")
    except OSError:
        return ""  # it ended meanwhile
