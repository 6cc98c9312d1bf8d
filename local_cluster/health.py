"""A cluster's health, for people and for programs."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from local_cluster.errors import LocalClusterError
from local_cluster.kube_api import KubeApi
from local_cluster.layout import Layout
from local_cluster.processes import cluster_processes
from local_cluster.readiness import Readiness
from local_cluster.supervision import RUNNING, Supervisor

ENFORCED = "Enforced"
_SPAWNED = re.compile(r"spawned: '([^']+)' with pid")


@dataclass(frozen=True, kw_only=True)
class ComponentHealth:
    """One component's row.

    Attributes:
        name: the component.
        state: supervisord's word; RUNNING is the good one.
        pid: process id on the host; None where it does not run.
        uptime_s: for how long it has run.
        restarts: how often it was started again since the cluster's start.
    """

    name: str
    state: str
    pid: int | None
    uptime_s: int
    restarts: int


@dataclass(frozen=True, kw_only=True)
class ClusterHealth:
    """The whole cluster.

    Attributes:
        name: the cluster.
        components: one row for each, in the order of supervisord.
        node: "Ready", or why it is not.
        gateway: the gateway's URL.
        secure_gateway: its URL for HTTPS.
        gateway_state: "Ready", or why it is not.
        policies: "Enforced", or why network policies are not.
        kubeconfig: path of the administrator's kubeconfig.
    """

    name: str
    components: tuple[ComponentHealth, ...]
    node: str
    gateway: str
    secure_gateway: str
    gateway_state: str
    policies: str
    kubeconfig: str

    @property
    def is_healthy(self) -> bool:
        """Whether every component runs, the node is Ready, the gateway answers and network policies are in force."""
        return (
            all(component.state == RUNNING for component in self.components)
            and self.node == self.gateway_state == "Ready"
            and self.policies == ENFORCED
        )

    def document(self) -> dict[str, Any]:
        """Return the health as plain data for JSON."""
        return {**asdict(self), "healthy": self.is_healthy}

    def table(self) -> str:
        """Return the health as lines for a terminal."""
        rows = [("COMPONENT", "STATE", "PID", "UPTIME", "RESTARTS")]
        rows += [
            (one.name, one.state, str(one.pid or "-"), _duration(one.uptime_s), str(one.restarts))
            for one in self.components
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        facts = {
            "node": f"{self.name} ({self.node})",
            "gateway": f"{self.gateway}, {self.secure_gateway} ({self.gateway_state})",
            "policies": self.policies,
            "kubeconfig": self.kubeconfig,
        }
        return "\n".join([*(line.rstrip() for line in lines), "", *(f"{k:<11}{v}" for k, v in facts.items())])


def health(layout: Layout) -> ClusterHealth:
    """Look at a cluster.

    Raises:
        NotRunningError: there is none.
    """
    supervisor = Supervisor(layout)
    states = supervisor.states()
    host_pids = {process.inner_pid: process.pid for process in cluster_processes(layout.name)}
    starts = _starts(layout)
    readiness = Readiness(layout, KubeApi(layout), supervisor)
    return ClusterHealth(
        name=layout.name,
        components=tuple(
            ComponentHealth(
                name=state.name,
                state=state.state,
                pid=host_pids.get(state.inner_pid),
                uptime_s=state.uptime_s,
                restarts=max(0, starts.count(state.name) - 1),
            )
            for state in states.values()
        ),
        node=readiness.node() or "Ready",
        gateway=layout.gateway_url,
        secure_gateway=layout.secure_gateway_url,
        gateway_state=readiness.gateway() or "Ready",
        policies=readiness.policies() or ENFORCED,
        kubeconfig=str(layout.kubeconfig),
    )


def _starts(layout: Layout) -> list[str]:
    """Return the name of every component that was started since the cluster's start, once for each time."""
    try:
        log = (layout.logs / "supervisord.log").read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise LocalClusterError(f"supervisord's log can't be read: {error}") from error
    return _SPAWNED.findall(log)


def _duration(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"
