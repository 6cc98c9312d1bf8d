"""Pods for tests of network policies: a server in a namespace of its own, and two clients in another one."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local_cluster.awaiting import await_condition
from tests.cluster.driver import ClusterDriver, environment

HOME, ABROAD = "policed", "strangers"
PORT = 8080
_FORCE_S = 10


class PolicedPods:
    """The server, and `stranger` and `friend`, of which the latter has a label."""

    def __init__(self, cluster: ClusterDriver, image: str) -> None:
        self.cluster = cluster
        self._image = image
        self._token = cluster.kubectl("create", "token", "default").strip()

    def start(self, namespace: str, name: str, labels: dict[str, str]) -> None:
        """Create a pod of the probe's image, which kubelet asks whether it is ready."""
        container = {
            "name": "server",
            "image": self._image,
            "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/files/", "port": PORT}, "periodSeconds": 1},
        }
        self.cluster.apply(named("v1", "Pod", namespace, name, {"containers": [container]}, labels=labels))

    def await_ready(self, namespace: str, name: str) -> None:
        """Wait until kubelet has had an answer."""
        self.cluster.kubectl(
            *("wait", f"--namespace={namespace}", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
        )

    def address(self, namespace: str, name: str) -> str:
        """Return a pod's IP address."""
        return self.cluster.kubectl(
            "get", "pod", f"--namespace={namespace}", name, "--output=jsonpath={.status.podIP}"
        ).strip()

    def asked(self, namespace: str, name: str, server: str, path: str = "/files/") -> str:
        """Ask a server from a pod, and return what it answers or, after `error:`, why it does not."""
        command = [
            "kubectl",
            f"--kubeconfig={self.cluster.layout.kubeconfig}",
            "exec",
            f"--namespace={namespace}",
            name,
        ]
        inside = ["/kubectl", "get", f"--raw={path}", f"--server={server}", "--insecure-skip-tls-verify"]
        result = subprocess.run(
            [*command, "--", *inside, f"--token={self._token}", "--request-timeout=3s"],
            check=False,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )
        return result.stdout if result.returncode == 0 else f"error: {result.stderr}"

    def reaches_home(self, name: str) -> bool:
        """Tell whether one of those abroad reaches the server."""
        return "resolv.conf" in self.asked(ABROAD, name, f"http://{self.address(HOME, 'server')}:{PORT}")

    @contextmanager
    def policy(self, name: str, **spec: Any) -> Iterator[None]:
        """Have a network policy be there for a while."""
        self.cluster.apply(named("networking.k8s.io/v1", "NetworkPolicy", HOME, name, {"podSelector": {}, **spec}))
        try:
            yield
        finally:
            self.cluster.kubectl("delete", "networkpolicy", f"--namespace={HOME}", name)


def named(
    api_version: str,
    kind: str,
    namespace: str,
    name: str,
    spec: dict[str, Any],
    *,
    labels: dict[str, str] | None = None,
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def becomes(what: str, holds: Callable[[], bool]) -> None:
    await_condition(what, lambda: None if holds() else "it is not so", deadline_s=_FORCE_S)


@contextmanager
def policed_pods(cluster: ClusterDriver, image: str) -> Iterator[PolicedPods]:
    """Have the three pods for a while, each Ready, and no policy."""
    made = PolicedPods(cluster, image)
    for namespace in (HOME, ABROAD):
        cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        cluster.kubectl(
            *("wait", f"--namespace={namespace}", "--for=create", "serviceaccount/default", "--timeout=60s")
        )
    try:
        made.start(HOME, "server", {"app": "server"})
        made.start(ABROAD, "stranger", {})
        made.start(ABROAD, "friend", {"is": "friend"})
        for namespace, name in ((HOME, "server"), (ABROAD, "stranger"), (ABROAD, "friend")):
            made.await_ready(namespace, name)
        yield made
    finally:
        cluster.kubectl("delete", "namespace", HOME, ABROAD, "--wait=false")
