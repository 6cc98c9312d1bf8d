"""Who reaches whom around a stack that serves, seen from pods: of a stranger, in Triton's place, in the build's."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bench.workspace import Workspace
from infra.pods import CONTAINER_SECURITY, POD_SECURITY
from tests.cluster.driver import ClusterDriver

HOME, ABROAD = "triton-first", "strangers"
PLACES: dict[str, tuple[str, dict[str, str]]] = {
    "stranger": (ABROAD, {}),
    "in-tritons-place": (HOME, {"app.kubernetes.io/name": "triton", "densenet-triton/plan": "0" * 16}),
    "in-the-builds-place": (HOME, {"app.kubernetes.io/name": "plan-build", "densenet-triton/plan": "0" * 16}),
}
"""Namespace and labels of a pod; each is one that any user of the cluster, or a program gone wrong, may be."""

LOOK = """
import json, os, socket, sys, time

def way(host, port):
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False

def look():
    ways = {name: way(*target) for name, target in targets.items()}
    try:
        socket.getaddrinfo("kubernetes.default.svc.cluster.local", 443)
        return ways | {"names": True}
    except OSError:
        return ways | {"names": False}

targets = json.loads(sys.argv[1])
targets["API server"] = (os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"])
begun = since = time.monotonic()
seen = None
# A new pod may be online a moment before its policies are, or after: what holds for three seconds is the answer.
while time.monotonic() - since < 3 and time.monotonic() - begun < 30:
    found = look()
    since, seen = (since, found) if found == seen else (time.monotonic(), found)
    time.sleep(0.5)
print(json.dumps(seen))
"""


def pod(name: str, image: str, targets: dict[str, tuple[str, int]]) -> dict[str, Any]:
    namespace, labels = PLACES[name]
    container = {
        "name": "look",
        "image": image,
        "command": ["python3", "-c", LOOK, json.dumps(targets)],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": CONTAINER_SECURITY,
        "readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 60},  # no Service sends it anybody
    }
    spec = {"restartPolicy": "Never", "automountServiceAccountToken": False, "securityContext": POD_SECURITY}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {**spec, "containers": [container]},
    }


@pytest.fixture(scope="module")
def seen(workspace: Workspace) -> Iterator[dict[str, dict[str, bool]]]:
    """What each pod reaches: Triton by its own address, kubelet, the API server, and names."""
    cluster = ClusterDriver(workspace.cluster)
    selection = (f"--namespace={HOME}", "--selector=app.kubernetes.io/name=triton")
    triton = json.loads(cluster.kubectl("get", "pods", *selection, "--output=json"))["items"][0]
    targets = {"Triton": (triton["status"]["podIP"], 8080), "kubelet": (cluster.layout.node_address, 10250)}
    image = triton["spec"]["containers"][0]["image"]
    cluster.kubectl("create", "namespace", ABROAD)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={ABROAD}", "--timeout=30s")
    try:
        cluster.apply(*(pod(name, image, targets) for name in PLACES))
        found = {}
        for name, (namespace, _) in PLACES.items():
            where = (f"pod/{name}", f"--namespace={namespace}")
            cluster.kubectl("wait", *where, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=90s")
            found[name] = json.loads(cluster.kubectl("logs", *where))
        yield found
    finally:
        pods = [name for name, (namespace, _) in PLACES.items() if namespace == HOME]
        cluster.kubectl("delete", "pod", *pods, f"--namespace={HOME}", "--ignore-not-found", "--now")
        cluster.kubectl("delete", "namespace", ABROAD, "--wait=false")


def test_a_pod_in_another_namespace_does_not_reach_triton(seen: dict[str, dict[str, bool]]) -> None:
    """All else it does reach: it is Triton that is shut, and not the pod."""
    assert seen["stranger"] == {"Triton": False, "kubelet": True, "API server": True, "names": True}


def test_who_takes_tritons_place_reaches_nothing_not_even_a_name(seen: dict[str, dict[str, bool]]) -> None:
    assert seen["in-tritons-place"] == {"Triton": False, "kubelet": False, "API server": False, "names": False}


def test_who_takes_the_builds_place_reaches_the_api_server_and_names_alone(seen: dict[str, dict[str, bool]]) -> None:
    assert seen["in-the-builds-place"] == {"Triton": False, "kubelet": False, "API server": True, "names": True}


@pytest.mark.usefixtures("seen")
def test_the_gateway_reaches_it_meanwhile(workspace: Workspace) -> None:
    url = workspace.make("url", "STACK=first").stdout.strip()
    with urllib.request.urlopen(f"{url}/v2/health/ready", timeout=10) as response:
        assert response.status == 200
