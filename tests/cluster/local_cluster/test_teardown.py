import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster.cgroups import hierarchies
from local_cluster.processes import cluster_processes
from tests.cluster.driver import ClusterDriver, environment


@pytest.fixture
def neighbour() -> Iterator[ClusterDriver]:
    """Another cluster, up beside the first."""
    driver = ClusterDriver("embedded-neighbour")
    driver.run("down")
    try:
        driver.run("up")
        yield driver
    finally:
        driver.run("down")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def remains(driver: ClusterDriver) -> list[str]:
    """Name everything of a cluster that is on the machine."""
    layout = driver.layout
    found = [f"process {process.pid}" for process in cluster_processes(driver.name)]
    found += [f"folder {path}" for path in (layout.state, layout.run) if path.exists()]
    found += [f"cgroup {path}" for path in (root / layout.cgroup for root in hierarchies()) if path.exists()]
    found += [
        line for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines() if layout.name in line
    ]
    found += [line for line in output("ip", "-brief", "link").splitlines() if line.startswith(f"{layout.link}@")]
    found += [line for line in output("ip", "route").splitlines() if f"dev {layout.link} " in line]
    found += [line for line in output("nft", "list", "tables").splitlines() if line.endswith(f" {layout.nft_table}")]
    namespaces = output("lsns", "--noheadings", "--output=COMMAND").splitlines()
    return found + [line for line in namespaces if str(layout.config) in line]


def forwarding_for_clusters() -> list[str]:
    """Name what is still as a cluster needs it, on a host that forwards nothing by itself."""
    settings = Path("/proc/sys/net/ipv4")
    if (settings / "ip_forward").read_text(encoding="utf-8").strip() == "1":
        return []
    interfaces = settings.glob("conf/*/forwarding")
    found = [str(path) for path in interfaces if path.read_text(encoding="utf-8").strip() == "1"]
    tables = output("nft", "list", "tables").splitlines()
    return found + [line for line in tables if line.endswith(" densenet-triton-forwarding")]


def refusal_in_pod(cluster: ClusterDriver, pod: str, url: str) -> str:
    """Have a pod ask a server that it must not reach, and return what its client says."""
    ask = ["/kubectl", "get", "--raw=/readyz", f"--server={url}", "--insecure-skip-tls-verify", "--token=x"]
    exec_in_pod = ["kubectl", f"--kubeconfig={cluster.layout.kubeconfig}", "exec", pod, "--"]
    command = [*exec_in_pod, *ask, "--request-timeout=2s"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment())
    assert result.returncode != 0
    return result.stderr


def test_two_clusters_do_not_meet_and_down_leaves_nothing(
    cluster: ClusterDriver, neighbour: ClusterDriver, probe: str
) -> None:
    before = cluster.pids()
    assert neighbour.health().is_healthy
    assert len(remains(neighbour)) > 10  # so that the list below means something

    assert neighbour.kubectl("get", "pods", "--output=name") == ""
    assert "Unable to connect to the server" in refusal_in_pod(cluster, probe, neighbour.layout.api_url)

    neighbour.run("down")
    assert remains(neighbour) == []
    assert neighbour.run("down") == "cluster embedded-neighbour is down\n"
    assert cluster.pids() == before
    assert cluster.health().is_healthy


def test_a_half_made_cluster_goes_too() -> None:
    driver = ClusterDriver("embedded-half")
    driver.layout.state.mkdir(parents=True)
    driver.layout.run.mkdir(parents=True)
    for root in hierarchies():
        (root / driver.layout.cgroup).mkdir(exist_ok=True)
    subprocess.run(["nft", "add", "table", "ip", driver.layout.nft_table], check=True)
    assert remains(driver)

    driver.run("down")

    assert remains(driver) == []


def test_down_can_keep_the_data_for_the_next_up(cluster: ClusterDriver) -> None:
    cluster.kubectl("create", "configmap", "survivor")
    assert len(forwarding_for_clusters()) != 1  # all that it takes, or nothing on a host that is a router

    printed = cluster.run("down", "--keep-data")

    assert str(cluster.layout.state) in printed
    assert [line for line in remains(cluster) if line != f"folder {cluster.layout.state}"] == []
    assert forwarding_for_clusters() == []
    cluster.run("up")
    assert cluster.kubectl("get", "configmap", "survivor", "--output=name") == "configmap/survivor\n"
