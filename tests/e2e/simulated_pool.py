"""A GPU node pool on machines that nobody has: the real Karpenter, with kwok as the cloud and as the kubelets."""

import json
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_cluster.awaiting import await_condition
from tests.cluster.driver import ClusterDriver, environment

GPU = "nvidia.com/gpu"
NODE_CLASS = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}
NODE_POOL_LABEL = "karpenter.sh/nodepool"

_PODS = Path(__file__).with_name("simulated_pods.yaml")
_FINISHED = "simulated-pool/finished"
_POD_ADDRESSES = "198.51.100.0/24"  # kept for documentation (RFC 5737): whoever calls a simulated pod calls nobody
_START_S = 60
_END_S = 20
_REPLACE_S = 120
_CANARY: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "canary", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "canary"}},
        "template": {
            "metadata": {"labels": {"app": "canary"}},
            "spec": {"nodeSelector": {NODE_POOL_LABEL: "canary"}, "containers": [{"name": "c", "image": "none"}]},
        },
    },
}


@dataclass(frozen=True, kw_only=True)
class SimulatedPool:
    """What a test sees of the cluster's simulated machines, and the one thing that it does in their place.

    A node is there as soon as Karpenter asks for it. Pods on it run nothing and are ready at once; init containers
    have succeeded. A Job's pod runs until `finish_job` is called.

    Attributes:
        cluster: the cluster that has Karpenter now.
        folder: where `karpenter.log` and `kwok.log` lie.
    """

    cluster: ClusterDriver
    folder: Path

    def nodes(self, node_pool: str) -> list[str]:
        """Names of the nodes that a NodePool has at this moment."""
        listed = self.cluster.kubectl("get", "nodes", f"--selector={NODE_POOL_LABEL}={node_pool}", "--output=name")
        return [line.removeprefix("node/") for line in listed.splitlines()]

    def finish_job(self, namespace: str, job: str) -> None:
        """Let the running pod of a Job succeed; what it would have published is there already, by the test's hand."""
        annotated = self.cluster.kubectl(
            "annotate", "pods", f"--namespace={namespace}", f"--selector=job-name={job}",
            "--field-selector=status.phase=Running", f"{_FINISHED}=yes",
        )  # fmt: skip
        assert annotated, f"no pod of {job} is running"

    def await_replacement_of_drifted_nodes(self) -> None:
        """Change a NodePool of its own, and wait until Karpenter has replaced its node: older drift comes first."""
        self.cluster.apply(_canary_pool(expire_after="Never"), _CANARY)
        self.cluster.kubectl("rollout", "status", "deployment/canary", "--namespace=default", f"--timeout={_START_S}s")
        (drifted,) = self.nodes("canary")
        self.cluster.apply(_canary_pool(expire_after="700h"))
        self.cluster.kubectl("wait", "--for=delete", f"node/{drifted}", f"--timeout={_REPLACE_S}s")
        self.cluster.kubectl("delete", "deployment/canary", "nodepool/canary", "--namespace=default")


@contextmanager
def simulated_pool(cluster: ClusterDriver, folder: Path) -> Iterator[SimulatedPool]:
    """Run Karpenter and kwok on this machine for a cluster; both are gone at the end, however that comes.

    Args:
        cluster: is up. Its own node, and the pods there, are none of kwok's business.
        folder: for the logs and the settings.
    """
    karpenter, kwok = _program("karpenter"), _program("kwok")
    _define(cluster, _data(karpenter))
    karpenter_port, kwok_port = _free_port(), _free_port()
    settings = _karpenter_settings(cluster, _instance_types(folder), karpenter_port)
    with (
        _running([kwok, *_kwok_arguments(cluster, _data(kwok), kwok_port)], folder, kwok_port, {}),
        _running([karpenter], folder, karpenter_port, settings),
    ):
        yield SimulatedPool(cluster=cluster, folder=folder)


def _canary_pool(*, expire_after: str) -> dict[str, Any]:
    """A NodePool of the simulation's own; another age makes its node one of another pool: drifted."""
    node = {"nodeClassRef": NODE_CLASS, "requirements": [], "expireAfter": expire_after}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "canary"},
        "spec": {"template": {"spec": node}},
    }


def _program(name: str) -> Path:
    found = shutil.which(name, path=environment()["PATH"])
    assert found, f"{name} is not built: python3 -m tools build --only simulation"
    return Path(found)


def _data(program: Path) -> Path:
    """Return the folder with the files that are published beside a program."""
    return program.resolve().parent.parent / "share" / program.name


def _define(cluster: ClusterDriver, definitions: Path) -> None:
    """Have Karpenter's kinds be in the cluster, and one node class."""
    cluster.kubectl("apply", "--server-side", f"--filename={definitions}")
    cluster.kubectl("wait", "--for=condition=Established", f"--filename={definitions}", f"--timeout={_START_S}s")
    cluster.apply(
        {
            "apiVersion": f"{NODE_CLASS['group']}/v1alpha1",
            "kind": NODE_CLASS["kind"],
            "metadata": {"name": NODE_CLASS["name"]},
        }
    )


def _instance_types(folder: Path) -> Path:
    """Write down what there is to choose from."""
    path = folder / "instance-types.json"
    path.write_text(json.dumps([_instance_type("h800-1x", gpus=1), _instance_type("plain", gpus=0)]))
    return path


def _instance_type(name: str, *, gpus: int) -> dict[str, Any]:
    """A machine that is for hire by the hour in one zone; the one with GPUs costs more."""
    offered = {"karpenter.sh/capacity-type": "on-demand", "topology.kubernetes.io/zone": "simulated"}
    resources = {"cpu": "16", "memory": "128Gi", "ephemeral-storage": "500Gi", "pods": "110"}
    return {
        "name": name,
        "architecture": "amd64",
        "operatingSystems": ["linux"],
        "resources": resources | ({GPU: str(gpus)} if gpus else {}),
        "offerings": [
            {
                "Price": 1 + 10 * gpus,
                "Available": True,
                "Requirements": [{"key": key, "operator": "In", "values": [value]} for key, value in offered.items()],
            }
        ],
    }


def _karpenter_settings(cluster: ClusterDriver, instance_types: Path, port: int) -> dict[str, str]:
    return {
        "KUBECONFIG": str(cluster.layout.kubeconfig),
        "INSTANCE_TYPES_FILE_PATH": str(instance_types),
        "DISABLE_LEADER_ELECTION": "true",
        "HEALTH_PROBE_PORT": str(port),
        "METRICS_PORT": "0",  # any that is free
        "BATCH_IDLE_DURATION": "200ms",
        "BATCH_MAX_DURATION": "1s",
    }


def _kwok_arguments(cluster: ClusterDriver, published: Path, port: int) -> list[str]:
    return [
        f"--kubeconfig={cluster.layout.kubeconfig}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        f"--cidr={_POD_ADDRESSES}",
        f"--server-address=127.0.0.1:{port}",
        *(f"--config={stage}" for stage in [_PODS, *published.glob("*.yaml")]),
    ]


@contextmanager
def _running(command: Sequence[Path | str], folder: Path, port: int, settings: Mapping[str, str]) -> Iterator[None]:
    """Run a program until the end of the block; it answers on `port` of the loopback that it is ready."""
    name = Path(command[0]).name
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment() | settings)
    try:
        await_condition(f"{name}, whose log is {log}", lambda: _not_ready(process, port, log), deadline_s=_START_S)
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_S)


def _not_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> str | None:
    assert process.poll() is None, f"it has ended with status {process.returncode}:\n{log.read_text()[-2000:]}"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return None
    except OSError as error:
        return str(error)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
