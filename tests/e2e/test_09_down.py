import subprocess
from pathlib import Path

import psutil

from bench.workspace import Workspace
from local_cluster.layout import layout_from_name
from local_cluster.processes import cluster_processes


def test_destroy_removes_the_stack_and_leaves_the_cluster(workspace: Workspace) -> None:
    assert workspace.make("destroy", "STACK=real").returncode == 0

    result = workspace.make("status", "STACK=first")
    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("url", "STACK=real").returncode != 0


def test_down_leaves_nothing_behind(workspace: Workspace) -> None:
    layout = layout_from_name(workspace.cluster)

    result = workspace.make("down", "STACK=first")

    assert result.returncode == 0, result.stdout + result.stderr
    assert cluster_processes(workspace.cluster) == []
    assert workspace.cluster not in Path("/proc/self/mountinfo").read_text()
    assert layout.link not in psutil.net_if_addrs()
    assert not layout.state.exists()
    cgroups = subprocess.run(
        ["find", "/sys/fs/cgroup", "-name", f"*{workspace.cluster}*"], capture_output=True, check=True
    )
    assert cgroups.stdout == b""


def test_down_again_is_no_error(workspace: Workspace) -> None:
    assert workspace.make("down", "STACK=first").returncode == 0
