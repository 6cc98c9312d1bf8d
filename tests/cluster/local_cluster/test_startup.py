import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import psutil

from local_cluster.lock import locked
from local_cluster.processes import cluster_processes
from tests.cluster.driver import ClusterDriver, environment

_AS_NOBODY = """
import os, sys
from local_cluster.__main__ import main
os.setuid(65534)
sys.exit(main(["--name", "embedded-test", "up"]))
"""


def test_up_makes_everything_healthy(cluster: ClusterDriver) -> None:
    status = json.loads(cluster.run("status", "--json"))

    assert status["healthy"] is True
    assert status["node"] == status["gateway_state"] == "Ready"
    assert status["gateway"] == "http://127.0.0.1:8801"
    assert {component["restarts"] for component in status["components"]} == {0}


def test_a_second_up_changes_nothing(cluster: ClusterDriver) -> None:
    before = cluster.pids()

    printed = cluster.run("up")

    assert printed.count("\n") == 1
    assert cluster.pids() == before


def test_the_kubeconfig_is_the_clusters_own_and_the_owners(cluster: ClusterDriver) -> None:
    path = Path(cluster.run("kubeconfig").strip())

    assert path == cluster.layout.kubeconfig
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert cluster.kubectl("config", "current-context").strip() == "embedded-test"
    assert cluster.kubectl("get", "nodes", "--output=name").strip() == "node/embedded-test"


def test_nothing_of_it_is_in_the_callers_cgroup(cluster: ClusterDriver) -> None:
    """The end of the session that started it, which ends all in the session's cgroup, is nothing to it."""
    members = {process.pid for process in cluster_processes(cluster.name)}
    mount_namespace = _mount_namespace(cluster.pids()["etcd"])
    components = {pid for pid in psutil.pids() if _mount_namespace(pid) == mount_namespace}
    assert len(components) > len(cluster.pids())  # the supervisor, too, and what made the namespaces

    assert components <= members
    for pid in members:
        groups = [line.split(":", 2)[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
        assert [group for group in groups if f"/{cluster.layout.cgroup}/" not in group] == [], pid


def _mount_namespace(pid: int | None) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/mnt").readlink()
    except OSError:
        return None  # it ended meanwhile


def test_the_storage_belongs_to_the_pods_user(cluster: ClusterDriver) -> None:
    owner = cluster.layout.storage.stat()

    assert (owner.st_uid, owner.st_gid) == (1000, 1000)


def test_logs_are_printed_and_followed(cluster: ClusterDriver) -> None:
    assert "etcd-version" in cluster.run("logs", "etcd")

    command = cluster.command("logs", "etcd", "--follow")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline()
        assert follower.poll() is None
        follower.terminate()


def test_only_the_gateway_listens_on_the_host(cluster: ClusterDriver) -> None:
    pids = {process.pid for process in cluster_processes(cluster.name)}
    command = ["ss", "--tcp", "--udp", "--listening", "--numeric", "--processes", "--no-header"]
    sockets = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    ours = [line.split()[4] for line in sockets if any(f"pid={pid}," in line for pid in pids)]
    assert sorted(ours) == ["127.0.0.1:8801", "127.0.0.1:8901"]  # HTTP and HTTPS


def test_a_second_up_at_the_same_time_is_refused(cluster: ClusterDriver) -> None:
    with locked(cluster.layout.lock, "up"):
        assert "`up` (process" in cluster.refusal("up")


def test_a_port_in_use_is_named_and_nothing_is_started() -> None:
    driver = ClusterDriver("embedded-port")
    with socket.create_server(("127.0.0.1", driver.layout.gateway_port)):
        assert f"port {driver.layout.gateway_port} on 127.0.0.1 is in use" in driver.refusal("up")

    assert cluster_processes(driver.name) == []
    assert not driver.layout.state.exists()


def test_the_machine_is_checked_before_any_program_is_there() -> None:
    driver = ClusterDriver("embedded-bare")
    bare = {"PATH": "/nowhere"}
    check = driver.command("check")
    assert subprocess.run(check, check=False, capture_output=True, env=bare).returncode == 0

    with socket.create_server(("127.0.0.1", driver.layout.gateway_port)):
        result = subprocess.run(check, check=False, capture_output=True, text=True, env=bare)

    assert result.returncode == 1
    assert result.stderr.startswith(f"error: port {driver.layout.gateway_port} on 127.0.0.1 is in use")
    assert not driver.layout.state.exists()


def test_the_machine_of_a_running_cluster_is_fit(cluster: ClusterDriver) -> None:
    assert cluster.run("check") == ""


def test_another_user_than_root_is_refused() -> None:
    command = [sys.executable, "-c", _AS_NOBODY]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())

    assert result.returncode == 1
    assert result.stderr.startswith("error: the embedded cluster needs root: run the same command with sudo")
    assert result.stderr.count("\n") == 1
