import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_cluster.awaiting import await_condition
from local_cluster.components import NAMES
from local_cluster.errors import LocalClusterError
from local_cluster.programs import is_systems
from local_cluster.supervision import Supervisor
from tests.cluster.driver import ClusterDriver, environment
from tests.cluster.local_cluster.policed_pods import becomes, named


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_component_comes_back(cluster: ClusterDriver, name: str) -> None:
    killed = cluster.pids()[name]
    assert killed is not None
    os.kill(killed, signal.SIGKILL)

    def reason() -> str | None:
        try:
            health = cluster.health()
        except LocalClusterError as error:
            return str(error)
        now = next(component for component in health.components if component.name == name)
        return None if now.pid not in (None, killed) and health.is_healthy else f"{now}, {health.node}"

    await_condition(f"{name} to come back", reason, deadline_s=90)


def test_a_policy_is_in_force_while_its_enforcer_is_away(cluster: ClusterDriver, probe: str) -> None:
    address = cluster.kubectl("get", "pod", probe, "--output=jsonpath={.status.podIP}")

    def is_shut() -> bool:
        try:
            socket.create_connection((address, 8080), timeout=5).close()
        except ConnectionRefusedError:
            return True
        return False

    assert not is_shut()
    cluster.apply(named("networking.k8s.io/v1", "NetworkPolicy", "default", "deny", {"podSelector": {}}))
    try:
        becomes("the pod to be shut", is_shut)
        killed = cluster.pids()["kube-router"]
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert is_shut()

        becomes("the enforcer to be back", lambda: cluster.health().is_healthy)
        assert cluster.pids()["kube-router"] != killed
        assert is_shut()
    finally:
        cluster.kubectl("delete", "networkpolicy", "deny")
    becomes("the pod to be open", lambda: not is_shut())


@contextmanager
def emptied(cluster: ClusterDriver) -> Iterator[None]:
    """Empty the caches and the clone that the cluster was started from, in the cluster's own view of the machine."""
    used = [*environment()["PATH"].split(os.pathsep), environment()["DENSENET_TOOLS_SHARE"], sys.base_prefix]
    clone = Path(__file__).resolve().parents[3]
    folders = [str(clone), *(folder for folder in used if Path(folder).is_dir() and not is_systems(folder))]
    inside = ["nsenter", f"--target={Supervisor(cluster.layout).pid()}", "--mount", "--pid"]
    covered = []
    try:
        for folder in folders:
            # Below one that is covered already there is nothing to cover.
            if subprocess.run([*inside, "test", "-d", folder], check=False).returncode == 0:
                subprocess.run([*inside, "mount", "-t", "tmpfs", "tmpfs", folder], check=True)
                covered.append(folder)
        yield
    finally:
        for folder in reversed(covered):
            subprocess.run([*inside, "umount", "--lazy", folder], check=True)


def test_components_and_pods_start_without_the_caches_and_the_clone(cluster: ClusterDriver, probe: str) -> None:
    image = cluster.kubectl("get", "pod", probe, "--output=jsonpath={.spec.containers[0].image}")
    killed = cluster.pids()
    with emptied(cluster):
        for pid in killed.values():
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

        def reason() -> str | None:
            try:
                health = cluster.health()
            except LocalClusterError as error:
                return str(error)
            old = [component.name for component in health.components if component.pid in (None, killed[component.name])]
            return None if health.is_healthy and not old else f"{old}, {health.node}, {health.gateway_state}"

        await_condition("all components to come back", reason, deadline_s=120)
        cluster.kubectl("run", "fresh", f"--image={image}", "--restart=Never")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/fresh", "--timeout=60s")
        cluster.kubectl("delete", "pod", "fresh", "--now")


def test_a_changed_component_is_started_anew_without_them_too(cluster: ClusterDriver) -> None:
    """The supervisor has loaded all that it needs of Python and of the clone."""
    file = cluster.layout.config / "supervisord.conf"
    written = file.read_text()
    with emptied(cluster):
        file.write_text(written.replace("[program:coredns]", "[program:coredns]\npriority = 998"))
        assert Supervisor(cluster.layout).apply_configuration() == ["coredns"]

        assert "coredns: started anew" in cluster.run("up")

    assert file.read_text() == written
    assert cluster.health().is_healthy


def test_all_processes_killed_up_brings_data_and_pods_back(cluster: ClusterDriver, probe: str) -> None:
    cluster.kubectl("create", "configmap", "kept", "--from-literal=key=value")
    cluster.kill_all()
    shutil.rmtree(cluster.layout.run)  # as after a reboot
    assert "is not running" in cluster.refusal("status", status=3)

    cluster.run("up")

    assert cluster.kubectl("get", "configmap", "kept", "--output=jsonpath={.data.key}") == "value"
    assert cluster.kubectl("get", "pod", probe, "--output=jsonpath={.status.containerStatuses[0].ready}") == "true"
    with urllib.request.urlopen(f"{cluster.layout.gateway_url}/files/", timeout=10) as answer:
        assert answer.status == 200


def test_an_interrupted_up_is_finished_by_the_next(cluster: ClusterDriver) -> None:
    cluster.kill_all()
    with subprocess.Popen(
        cluster.command("up"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as up:
        assert up.stdout is not None
        assert up.stdout.readline().startswith("waiting for")
        up.send_signal(signal.SIGINT)
        _, errors = up.communicate(timeout=60)
    assert (up.returncode, errors) == (130, "interrupted: the same `up` again goes on from here\n")

    cluster.run("up")

    assert cluster.health().is_healthy


def test_flushed_rules_of_the_host_are_made_again(cluster: ClusterDriver) -> None:
    table = cluster.layout.nft_table
    subprocess.run(["nft", "delete", "table", "ip", table], check=True)

    cluster.run("up")

    listed = subprocess.run(["nft", "list", "table", "ip", table], check=True, capture_output=True, text=True).stdout
    assert "masquerade" in listed
