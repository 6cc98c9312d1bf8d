import contextlib
import os
import signal
import subprocess
import time

import psutil

from bench.workspace import Workspace

MARKER = "DENSENET_TRITON_CLUSTER"


def processes_of(cluster: str) -> list[psutil.Process]:
    """The processes that a cluster has started on the host."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == cluster:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_with_every_process_killed_the_same_url_comes_back(workspace: Workspace) -> None:
    url = workspace.make("url", "STACK=first").stdout
    killed = processes_of(workspace.cluster)
    assert len(killed) > 8
    for process in killed:
        with contextlib.suppress(psutil.NoSuchProcess):  # the kernel takes what a killed one was the root of
            process.kill()
    psutil.wait_procs(killed, timeout=30)

    result = workspace.make("up", "STACK=first")

    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("url", "STACK=first").stdout == url


def test_ctrl_c_then_up_again(workspace: Workspace) -> None:
    """Interrupted while Pulumi deploys; the next run completes the stack."""
    workspace.write_stack("stopped")
    running = subprocess.Popen(
        ["make", "up", "STACK=stopped"], cwd=workspace.folder, env=workspace.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    with running:
        assert running.stdout is not None
        for line in running.stdout:
            if "creating" in line and "plan" in line.lower():
                break
        os.killpg(running.pid, signal.SIGINT)
        output = running.stdout.read()
    assert running.returncode != 0
    assert "Traceback" not in output

    result = workspace.make("up", "STACK=stopped")

    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("destroy", "STACK=stopped").returncode == 0


def test_killed_without_warning_then_up_again(workspace: Workspace) -> None:
    """Everything of the run dies at once, Pulumi with its lock in place; the next run completes the stack."""
    workspace.write_stack("killed")
    running = subprocess.Popen(
        ["make", "up", "STACK=killed"], cwd=workspace.folder, env=workspace.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    with running:
        assert running.stdout is not None
        for line in running.stdout:
            if "creating" in line and "plan" in line.lower():
                break
        os.killpg(running.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any("STACK=killed" in " ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline

    result = workspace.make("up", "STACK=killed")

    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("destroy", "STACK=killed").returncode == 0
