"""Network policies, as anybody may write them: what is declared is enforced, and what runs the pods gets through."""

import http.client
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local_cluster.awaiting import await_condition
from tests.cluster.driver import ClusterDriver, environment

HOME, ABROAD = "policed", "strangers"
_PORT = 8080
_FORCE_S = 10


class Pods:
    """A server in a namespace of its own, and two clients in another one, of which `friend` has a label."""

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
            "readinessProbe": {"httpGet": {"path": "/files/", "port": _PORT}, "periodSeconds": 1},
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
        return "resolv.conf" in self.asked(ABROAD, name, f"http://{self.address(HOME, 'server')}:{_PORT}")

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


@pytest.fixture(scope="module")
def pods(cluster: ClusterDriver, probe: str) -> Iterator[Pods]:
    """The three pods, each Ready, and no policy."""
    made = Pods(cluster, cluster.kubectl("get", "pod", probe, "--output=jsonpath={.spec.containers[0].image}"))
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


def test_a_denied_pod_is_reached_by_those_alone_whom_a_policy_admits(pods: Pods) -> None:
    friends = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ABROAD}},
        "podSelector": {"matchLabels": {"is": "friend"}},
    }
    assert pods.reaches_home("stranger")

    with pods.policy("deny", policyTypes=["Ingress"]):
        becomes("the stranger to be shut out", lambda: not pods.reaches_home("stranger"))
        assert not pods.reaches_home("friend")

        with pods.policy("friends", ingress=[{"from": [friends], "ports": [{"port": _PORT}]}]):
            becomes("the friend to be let in", lambda: pods.reaches_home("friend"))
            assert not pods.reaches_home("stranger")
    becomes("the stranger to be let in again", lambda: pods.reaches_home("stranger"))


def test_a_service_is_no_way_around_a_policy(pods: Pods) -> None:
    pods.cluster.apply(service_of_the_server())
    url = f"http://server.{HOME}.svc.cluster.local"
    becomes("the service to be served", lambda: "resolv.conf" in pods.asked(ABROAD, "stranger", url))

    with pods.policy("deny", policyTypes=["Ingress"]):
        becomes("the service to be shut", lambda: pods.asked(ABROAD, "stranger", url).startswith("error:"))
        assert "was refused" in pods.asked(ABROAD, "stranger", url)


def test_a_pod_that_comes_later_is_denied_too(pods: Pods) -> None:
    with pods.policy("deny", policyTypes=["Ingress"]):
        pods.start(HOME, "later", {})
        pods.await_ready(HOME, "later")
        url = f"http://{pods.address(HOME, 'later')}:{_PORT}"
        becomes("the later pod to be shut", lambda: pods.asked(ABROAD, "stranger", url).startswith("error:"))
        pods.cluster.kubectl("delete", "pod", f"--namespace={HOME}", "later", "--now")


def test_kubelets_probes_and_a_forwarded_port_pass_a_policy_that_denies_all(pods: Pods) -> None:
    with pods.policy("deny", policyTypes=["Ingress", "Egress"]):
        becomes("the stranger to be shut out", lambda: not pods.reaches_home("stranger"))

        good, bad = probes_of_the_server(pods.cluster)
        becomes("kubelet to have asked twice again", lambda: probes_of_the_server(pods.cluster)[0] >= good + 2)
        assert probes_of_the_server(pods.cluster)[1] == bad

        command = ["kubectl", f"--kubeconfig={pods.cluster.layout.kubeconfig}", "port-forward", f"--namespace={HOME}"]
        with subprocess.Popen(
            [*command, "pod/server", f":{_PORT}"], stdout=subprocess.PIPE, text=True, env=environment()
        ) as forward:
            assert forward.stdout is not None
            port = re.search(r"127\.0\.0\.1:(\d+)", forward.stdout.readline())
            assert port is not None
            with urllib.request.urlopen(f"http://127.0.0.1:{port[1]}/files/", timeout=10) as answer:
                assert "resolv.conf" in answer.read().decode()
            forward.terminate()


def probes_of_the_server(cluster: ClusterDriver) -> tuple[int, int]:
    """Return how many of kubelet's readiness probes have passed, and how many have failed."""
    lines = cluster.kubectl("get", f"--raw=/api/v1/nodes/{cluster.name}/proxy/metrics/probes").splitlines()
    ours = [line for line in lines if f'namespace="{HOME}",pod="server"' in line and "prober_probe_total" in line]

    def count(result: str) -> int:
        return sum(int(line.split()[-1]) for line in ours if f'result="{result}"' in line)

    return count("successful"), count("failed")


def test_out_of_a_denied_pod_nothing_goes_but_what_a_policy_admits(pods: Pods) -> None:
    layout = pods.cluster.layout
    by_name = "https://kubernetes.default.svc.cluster.local"
    by_address = f"http://{pods.address(ABROAD, 'friend')}:{_PORT}"

    def to_the_node(*ports: dict[str, Any]) -> dict[str, Any]:
        return {"to": [{"ipBlock": {"cidr": f"{layout.node_address}/32"}}], "ports": list(ports)}

    assert pods.asked(HOME, "server", by_name, "/readyz") == "ok"
    assert "resolv.conf" in pods.asked(HOME, "server", by_address)

    with pods.policy("deny", policyTypes=["Egress"]):
        becomes("the way out to be shut", lambda: pods.asked(HOME, "server", by_address).startswith("error:"))
        assert "was refused" in pods.asked(HOME, "server", layout.api_url, "/readyz")

        with pods.policy("api-server", policyTypes=["Egress"], egress=[to_the_node({"port": layout.api_port})]):
            becomes(
                "the API server to be reached", lambda: pods.asked(HOME, "server", layout.api_url, "/readyz") == "ok"
            )
            assert pods.asked(HOME, "server", by_name, "/readyz").startswith("error:")  # it has no name yet

            names = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
            with pods.policy("names", policyTypes=["Egress"], egress=[to_the_node(*names)]):
                becomes("its name to be known", lambda: pods.asked(HOME, "server", by_name, "/readyz") == "ok")
                assert "was refused" in pods.asked(HOME, "server", by_address)


def test_the_gateway_is_admitted_by_the_hosts_address(pods: Pods) -> None:
    layout = pods.cluster.layout

    def status() -> int:
        try:
            with urllib.request.urlopen(f"{layout.gateway_url}/policed/", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    with pods.policy("deny", policyTypes=["Ingress"]):
        becomes("the stranger to be shut out", lambda: not pods.reaches_home("stranger"))
        pods.cluster.apply(*route_from_the_gateway(layout.gateway_port))
        becomes("the gateway to be shut out", lambda: status() == http.client.BAD_GATEWAY)

        host = {"from": [{"ipBlock": {"cidr": f"{layout.host_address}/32"}}], "ports": [{"port": _PORT}]}
        with pods.policy("gateway", ingress=[host]):
            becomes("the gateway to be let in", lambda: status() == http.client.OK)
            assert not pods.reaches_home("stranger")


def route_from_the_gateway(port: int) -> list[dict[str, Any]]:
    gateway_api = "gateway.networking.k8s.io/v1"
    path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/files"}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/policed"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": path}}],
        "backendRefs": [{"name": "server", "port": 80}],
    }
    listener = {"name": "web", "protocol": "HTTP", "port": port}
    return [
        service_of_the_server(),
        named(gateway_api, "Gateway", HOME, "door", {"gatewayClassName": "traefik", "listeners": [listener]}),
        named(gateway_api, "HTTPRoute", HOME, "door", {"parentRefs": [{"name": "door"}], "rules": [rule]}),
    ]


def service_of_the_server() -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": _PORT}]
    return named("v1", "Service", HOME, "server", {"selector": {"app": "server"}, "ports": ports})


def test_a_policy_stays_in_force_while_its_enforcer_is_away(pods: Pods) -> None:
    with pods.policy("deny", policyTypes=["Ingress"]):
        becomes("the stranger to be shut out", lambda: not pods.reaches_home("stranger"))
        killed = pods.cluster.pids()["kube-router"]
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert not pods.reaches_home("stranger")

        becomes("the enforcer to be back", lambda: pods.cluster.pids()["kube-router"] not in (None, killed))
        becomes("the cluster to be healthy", lambda: pods.cluster.health().is_healthy)
        assert not pods.reaches_home("stranger")
