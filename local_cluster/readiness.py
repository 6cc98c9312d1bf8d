"""What "up" means: conditions of a running cluster, each with the reason why it does not hold yet."""

import datetime as dt
import http.client
import re
import socket
from collections.abc import Callable
from typing import Any

from local_cluster.errors import LocalClusterError
from local_cluster.kube_api import KubeApi
from local_cluster.layout import GATEWAY_ADDRESS, GATEWAY_CLASS, Layout
from local_cluster.supervision import RUNNING, Supervisor

_TIMEOUT_S = 2
_DNS_PORT = 53
_SYNCS = "kube_router_controller_iptables_sync_time_count"


def _reason_from_errors(check: Callable[["Readiness"], str | None]) -> Callable[["Readiness"], str | None]:
    """Make an error of ours a reason to wait on."""

    def reason(self: "Readiness") -> str | None:
        try:
            return check(self)
        except LocalClusterError as error:
            return str(error)

    return reason


class Readiness:
    """The conditions of one cluster."""

    def __init__(self, layout: Layout, api: KubeApi, supervisor: Supervisor) -> None:
        self._layout = layout
        self._api = api
        self._supervisor = supervisor
        self._boot = 0
        self._earlier_pods: set[str] = set()

    @_reason_from_errors
    def api_server(self) -> str | None:
        """The API server says that it is ready."""
        self._api.get_text("/readyz")
        return None

    @_reason_from_errors
    def node(self) -> str | None:
        """The node is Ready, by the word of the kubelet that runs now and not of one before it."""
        node = self._api.get(f"/api/v1/nodes/{self._layout.name}")
        ready = condition(node, "Ready")
        if ready.get("status") != "True":
            return f"node {self._layout.name}: {ready.get('message', 'kubelet has not reported yet')}"
        kubelet_started = self._supervisor.states()["kubelet"].started
        if _seconds(ready["lastTransitionTime"]) >= kubelet_started:
            return None
        lease = self._api.get(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self._layout.name}")
        if _seconds(lease["spec"]["renewTime"]) >= kubelet_started:
            return None
        return f"node {self._layout.name}: kubelet has not reported since its start"

    @_reason_from_errors
    def gateway(self) -> str | None:
        """The gateway class is accepted and the gateway answers HTTP on both its ports, be it 404."""
        gateway_class = self._api.get(f"/apis/gateway.networking.k8s.io/v1/gatewayclasses/{GATEWAY_CLASS}")
        if condition(gateway_class, "Accepted").get("status") != "True":
            return f"gateway class {GATEWAY_CLASS} is not accepted"
        for port in (self._layout.gateway_port, self._layout.secure_gateway_port):
            try:
                _answer(GATEWAY_ADDRESS, port, "/")
            except (OSError, http.client.HTTPException) as error:
                return f"port {port} on {GATEWAY_ADDRESS} does not answer: {error}"
        return None

    def policies(self) -> str | None:
        """The enforcer has put every network policy that there is into force at least once, and goes on."""
        address = self._layout.node_address, self._layout.policies_port
        try:
            status, _ = _answer(*address, "/healthz")
            _, metrics = _answer(*address, "/metrics")
        except (OSError, http.client.HTTPException) as error:
            return f"kube-router does not answer: {error}"
        if status != http.client.OK:
            return "kube-router has not looked at the network policies for too long"
        synced = re.search(rf"^{_SYNCS} (\d+)$", metrics, re.MULTILINE)
        return None if synced and int(synced[1]) else "kube-router has put no network policy into force yet"

    @_reason_from_errors
    def components(self) -> str | None:
        """Every component runs."""
        states = self._supervisor.states().values()
        ill = [f"{state.name} is {state.state}" for state in states if state.state != RUNNING]
        return ", ".join(ill) or None

    def dns(self) -> str | None:
        """The cluster's DNS server takes connections."""
        try:
            socket.create_connection((self._layout.node_address, _DNS_PORT), timeout=_TIMEOUT_S).close()
        except OSError as error:
            return f"DNS does not answer at {self._layout.node_address}: {error}"
        return None

    def remember_pods(self) -> None:
        """Note which pods ran before this start of the cluster: called before kubelet has reported on them."""
        self._boot = int((self._layout.run / "supervisord.pid").stat().st_mtime)
        pods = self._api.get("/api/v1/pods")["items"]
        self._earlier_pods = {_name(pod) for pod in pods if _ran_before(pod, self._boot)}

    @_reason_from_errors
    def pods(self) -> str | None:
        """The remembered pods are ready again, in containers of this start, or gone."""
        if not self._earlier_pods:
            return None
        missing = [
            _name(pod)
            for pod in self._api.get("/api/v1/pods")["items"]
            if _name(pod) in self._earlier_pods and (_ran_before(pod, self._boot) or not _is_settled(pod))
        ]
        return f"not ready: {', '.join(sorted(missing))}" if missing else None


def condition(subject: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return an object's status condition of that type; empty where it has none."""
    conditions: list[dict[str, Any]] = subject.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), {})


def _answer(host: str, port: int, path: str) -> tuple[int, str]:
    """Return an HTTP answer's status and body, be it good or not."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def _name(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _ran_before(pod: dict[str, Any], boot: int) -> bool:
    starts = [
        status["state"]["running"]["startedAt"]
        for status in pod["status"].get("containerStatuses", [])
        if "running" in status["state"]
    ]
    return any(_seconds(start) < boot for start in starts)


def _is_settled(pod: dict[str, Any]) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed") or condition(pod, "Ready").get("status") == "True"


def _seconds(timestamp: str) -> float:
    return dt.datetime.fromisoformat(timestamp).timestamp()
