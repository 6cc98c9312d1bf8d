"""Network policies, as anybody may write them: what is declared is enforced, and what runs the pods gets through."""

import http.client
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cluster.processes import cluster_processes
from tests.cluster.driver import ClusterDriver, environment
from tests.cluster.local_cluster.policed_pods import ABROAD, HOME, PORT, PolicedPods, becomes, named, policed_pods


@pytest.fixture(scope="module")
def pods(cluster: ClusterDriver, probe: str) -> Iterator[PolicedPods]:
    """Three pods of the probe's image, and no network policy."""
    image = cluster.kubectl("get", "pod", probe, "--output=jsonpath={.spec.containers[0].image}")
    with policed_pods(cluster, image) as made:
        yield made


def test_a_denied_pod_is_reached_by_those_alone_whom_a_policy_admits(pods: PolicedPods) -> None:
    friends = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ABROAD}},
        "podSelector": {"matchLabels": {"is": "friend"}},
    }
    assert pods.reaches_home("stranger")

    with pods.policy("deny", policyTypes=["Ingress"]):
        becomes("the stranger to be shut out", lambda: not pods.reaches_home("stranger"))
        assert not pods.reaches_home("friend")

        with pods.policy("friends", ingress=[{"from": [friends], "ports": [{"port": PORT}]}]):
            becomes("the friend to be let in", lambda: pods.reaches_home("friend"))
            assert not pods.reaches_home("stranger")
    becomes("the stranger to be let in again", lambda: pods.reaches_home("stranger"))


def test_a_service_is_no_way_around_a_policy(pods: PolicedPods) -> None:
    pods.cluster.apply(service_of_the_server())
    url = f"http://server.{HOME}.svc.cluster.local"
    becomes("the service to be served", lambda: "resolv.conf" in pods.asked(ABROAD, "stranger", url))

    with pods.policy("deny", policyTypes=["Ingress"]):
        becomes("the service to be shut", lambda: pods.asked(ABROAD, "stranger", url).startswith("error:"))
        assert "was refused" in pods.asked(ABROAD, "stranger", url)


def test_a_pod_that_comes_later_is_denied_too(pods: PolicedPods) -> None:
    with pods.policy("deny", policyTypes=["Ingress"]):
        pods.start(HOME, "later", {})
        pods.await_ready(HOME, "later")
        url = f"http://{pods.address(HOME, 'later')}:{PORT}"
        becomes("the later pod to be shut", lambda: pods.asked(ABROAD, "stranger", url).startswith("error:"))
        pods.cluster.kubectl("delete", "pod", f"--namespace={HOME}", "later", "--now")


def test_kubelets_probes_and_a_forwarded_port_pass_a_policy_that_denies_all(pods: PolicedPods) -> None:
    with pods.policy("deny", policyTypes=["Ingress", "Egress"]):
        becomes("the stranger to be shut out", lambda: not pods.reaches_home("stranger"))

        good, bad = probes_of_the_server(pods.cluster)
        becomes("kubelet to have asked twice again", lambda: probes_of_the_server(pods.cluster)[0] >= good + 2)
        assert probes_of_the_server(pods.cluster)[1] == bad

        command = ["kubectl", f"--kubeconfig={pods.cluster.layout.kubeconfig}", "port-forward", f"--namespace={HOME}"]
        with subprocess.Popen(
            [*command, "pod/server", f":{PORT}"], stdout=subprocess.PIPE, text=True, env=environment()
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


def test_out_of_a_denied_pod_nothing_goes_but_what_a_policy_admits(pods: PolicedPods) -> None:
    layout = pods.cluster.layout
    by_name = "https://kubernetes.default.svc.cluster.local"
    by_address = f"http://{pods.address(ABROAD, 'friend')}:{PORT}"

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


def test_the_gateway_is_admitted_by_the_hosts_address(pods: PolicedPods) -> None:
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

        host = {"from": [{"ipBlock": {"cidr": f"{layout.host_address}/32"}}], "ports": [{"port": PORT}]}
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
    ports = [{"port": 80, "targetPort": PORT}]
    return named("v1", "Service", HOME, "server", {"selector": {"app": "server"}, "ports": ports})


_LISTEN = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
    listener.bind(("0.0.0.0", 9999))
    print("listening", flush=True)
    while listener.recvfrom(1)[1][0] != TRUE:
        print("deceived", flush=True)
"""
_DECEIVE = """
import socket, subprocess
own = ["dev", "lo"]
subprocess.run(["ip", "address", "add", f"{FALSE}/32", *own], check=True)
try:
    for name in (FALSE, TRUE):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((name, 0))
            sender.sendto(b".", (SERVER, 9999))
finally:
    subprocess.run(["ip", "address", "delete", f"{FALSE}/32", *own], check=True)
"""


def test_a_pod_can_not_send_in_anothers_name(pods: PolicedPods) -> None:
    false, true = pods.address(ABROAD, "friend"), pods.address(ABROAD, "stranger")
    values = f"FALSE, TRUE, SERVER = {false!r}, {true!r}, {pods.address(HOME, 'server')!r}\n"

    def within(pod: str, script: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{pid_of(pods.cluster, pod)}/ns/net", sys.executable, "-c", values + script]

    with subprocess.Popen(within("server", _LISTEN), stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "listening\n"
        subprocess.run(within("stranger", _DECEIVE), check=True)

        heard, _ = listener.communicate(timeout=30)
    assert heard == ""


def pid_of(cluster: ClusterDriver, pod: str) -> int:
    """Return the process id of a pod's one program, by its host's name."""
    pids = [process.pid for process in cluster_processes(cluster.name)]
    return next(pid for pid in pids if hostname(pid) == pod)


def hostname(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/root/etc/hostname").read_text(encoding="utf-8").strip()
    except OSError:
        return ""  # it has ended, or its image has no such file
