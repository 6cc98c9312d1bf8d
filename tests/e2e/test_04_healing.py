import os
import signal
import subprocess

from bench.workspace import Workspace
from local_cluster.processes import cluster_processes, kill_cluster


def test_with_every_process_killed_the_same_url_comes_back(workspace: Workspace) -> None:
    url = workspace.make("url", "STACK=first").stdout
    assert len(cluster_processes(workspace.cluster)) > 8
    kill_cluster(workspace.cluster)

    result = workspace.make("up", "STACK=first")

    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("url", "STACK=first").stdout == url


def test_ctrl_c_then_up_again(workspace: Workspace) -> None:
    """Interrupted while Pulumi deploys; the next run completes the stack."""
    returncode, output = up_ended_by(signal.SIGINT, workspace, "stopped")
    assert returncode != 0
    assert "Traceback" not in output

    assert_up_completes(workspace, "stopped")


def test_killed_without_warning_then_up_again(workspace: Workspace) -> None:
    """Everything of the run dies at once, Pulumi with its lock in place; the next run completes the stack."""
    up_ended_by(signal.SIGKILL, workspace, "killed")

    assert_up_completes(workspace, "killed")


def up_ended_by(number: signal.Signals, workspace: Workspace, stack: str) -> tuple[int, str]:
    """Deploy, send a signal to all of the run as soon as Pulumi makes the plan, and await the end of every process.

    Returns:
        The exit status, and what was printed after the signal.
    """
    workspace.write_stack(stack)
    running = subprocess.Popen(
        ["make", "up", f"STACK={stack}"], cwd=workspace.folder, env=workspace.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    with running:
        assert running.stdout is not None
        for line in running.stdout:
            if "creating" in line and "plan" in line.lower():
                break
        os.killpg(running.pid, number)
        output = running.stdout.read()  # to its end: no process of the run holds the pipe any more
    return running.returncode, output


def assert_up_completes(workspace: Workspace, stack: str) -> None:
    """Deploy again, with success, and remove the stack."""
    result = workspace.make("up", f"STACK={stack}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("destroy", f"STACK={stack}").returncode == 0
