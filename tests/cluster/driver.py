"""A real cluster as its users drive it: by the command line and by kubectl."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

from local_cluster.health import ClusterHealth, health
from local_cluster.layout import Layout, layout_from_name
from local_cluster.processes import kill_cluster

_COMMAND_S = 240


@cache
def environment() -> dict[str, str]:
    """Return the environment in which every program of a cluster is found, as `make tools` left them."""
    if "DENSENET_TOOLS_SHARE" in os.environ:
        return dict(os.environ)
    command = [sys.executable, "-m", "tools", "environment"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {**os.environ, **found, "PATH": f"{found['PATH']}{os.pathsep}{os.environ['PATH']}"}


@dataclass(frozen=True)
class ClusterDriver:
    """One cluster by its name."""

    name: str

    @property
    def layout(self) -> Layout:
        """Where it lives."""
        return layout_from_name(self.name)

    def command(self, *arguments: str) -> list[str]:
        """Return a command line of `local_cluster` about this cluster."""
        return [sys.executable, "-m", "local_cluster", "--name", self.name, *arguments]

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail."""
        command = self.command(*arguments)
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=environment(), timeout=_COMMAND_S
        )

    def run(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        result = self.attempt(*arguments)
        assert result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
        return result.stdout

    def refusal(self, *arguments: str, status: int = 1) -> str:
        """Run a command that must fail in one line on stderr, and return that line."""
        result = self.attempt(*arguments)
        assert result.returncode == status, f"{arguments}: {result.stdout}{result.stderr}"
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr.strip()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl, which must succeed, and return what it printed."""
        result = subprocess.run(
            ["kubectl", f"--kubeconfig={self.layout.kubeconfig}", *arguments],
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            env=environment(),
            timeout=_COMMAND_S,
        )
        assert result.returncode == 0, f"kubectl {arguments}: {result.stderr}"
        return result.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        """Have these objects be in the cluster."""
        self.kubectl("apply", "--filename=-", stdin="\n---\n".join(map(json.dumps, objects)))

    def health(self) -> ClusterHealth:
        """Look at the cluster."""
        return health(self.layout)

    def pids(self) -> dict[str, int | None]:
        """Return each component's process id on the host."""
        return {component.name: component.pid for component in self.health().components}

    def kill_all(self) -> None:
        """Kill every process at once, the supervisor too."""
        kill_cluster(self.name)
