import os
import shutil
import signal
import subprocess
import urllib.request

import pytest

from local_cluster.awaiting import await_condition
from local_cluster.components import NAMES
from local_cluster.errors import LocalClusterError
from tests.cluster.driver import ClusterDriver, environment


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
