import http.server
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local_cluster.kube_api import ApiError
from local_cluster.layout import Layout
from local_cluster.readiness import Readiness
from local_cluster.supervision import ProcessState

BOOT = 1_900_000_000
BEFORE, AFTER = "2030-03-17T17:00:00Z", "2030-03-17T18:00:00Z"  # an hour and less before BOOT, and after it
NODE = "/api/v1/nodes/embedded-test"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/embedded-test"
PODS = "/api/v1/pods"


class FakeApi:
    """An API server whose answers the test sets."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}

    def get(self, path: str) -> dict[str, Any]:
        if path not in self.answers:
            raise ApiError(f"the API server answers 404 to {path}")
        return self.answers[path]


class FakeSupervisor:
    """A supervisor with one component, started at BOOT."""

    state = "RUNNING"

    def states(self) -> dict[str, ProcessState]:
        return {"kubelet": ProcessState(name="kubelet", state=self.state, inner_pid=7, started=BOOT, uptime_s=1)}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def readiness(layout: Layout, api: FakeApi) -> Readiness:
    pid_file = layout.run / "supervisord.pid"
    pid_file.touch()
    os.utime(pid_file, (BOOT, BOOT))
    return Readiness(layout, api, FakeSupervisor())  # type: ignore[arg-type]


def node(status: str, since: str) -> dict[str, Any]:
    return {
        "status": {
            "conditions": [{"type": "Ready", "status": status, "lastTransitionTime": since, "message": "the reason"}]
        }
    }


def pod(name: str, *, started: str, ready: str) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "default", "name": name},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"state": {"running": {"startedAt": started}}}],
        },
    }


def test_a_node_that_became_ready_since_kubelets_start_is_ready(readiness: Readiness, api: FakeApi) -> None:
    api.answers[NODE] = node("True", AFTER)

    assert readiness.node() is None


def test_a_node_that_is_ready_by_an_older_kubelets_word_is_not(readiness: Readiness, api: FakeApi) -> None:
    api.answers[NODE] = node("True", BEFORE)
    api.answers[LEASE] = {"spec": {"renewTime": BEFORE}}
    assert readiness.node() == "node embedded-test: kubelet has not reported since its start"

    api.answers[LEASE] = {"spec": {"renewTime": AFTER}}
    assert readiness.node() is None


def test_a_node_that_is_not_ready_tells_why(readiness: Readiness, api: FakeApi) -> None:
    api.answers[NODE] = node("False", AFTER)

    assert readiness.node() == "node embedded-test: the reason"


def test_an_api_server_that_does_not_answer_is_a_reason(readiness: Readiness) -> None:
    assert readiness.node() == f"the API server answers 404 to {NODE}"


def test_a_component_that_does_not_run_is_a_reason(readiness: Readiness, monkeypatch: pytest.MonkeyPatch) -> None:
    assert readiness.components() is None

    monkeypatch.setattr(FakeSupervisor, "state", "BACKOFF")
    assert readiness.components() == "kubelet is BACKOFF"


def test_pods_from_before_are_waited_for_until_they_are_ready_again(readiness: Readiness, api: FakeApi) -> None:
    api.answers[PODS] = {"items": [pod("old", started=BEFORE, ready="True")]}
    readiness.remember_pods()
    assert readiness.pods() == "not ready: default/old"

    api.answers[PODS] = {"items": [pod("old", started=AFTER, ready="False")]}
    assert readiness.pods() == "not ready: default/old"

    api.answers[PODS] = {"items": [pod("old", started=AFTER, ready="True")]}
    assert readiness.pods() is None


def test_pods_from_before_that_are_gone_are_not_waited_for(readiness: Readiness, api: FakeApi) -> None:
    api.answers[PODS] = {"items": [pod("old", started=BEFORE, ready="True")]}
    readiness.remember_pods()

    api.answers[PODS] = {"items": []}
    assert readiness.pods() is None


def test_pods_of_this_start_are_not_waited_for(readiness: Readiness, api: FakeApi) -> None:
    new = pod("new", started=AFTER, ready="False")
    api.answers[PODS] = {"items": [pod("old", started=BEFORE, ready="True"), new]}
    readiness.remember_pods()
    assert readiness.pods() == "not ready: default/old"

    api.answers[PODS] = {"items": [pod("old", started=AFTER, ready="True"), new]}
    assert readiness.pods() is None


class Enforcer(http.server.BaseHTTPRequestHandler):
    """Kube-router, which says what the test sets."""

    health = 200
    metrics = ""

    def do_GET(self) -> None:
        self.send_response(self.health if self.path == "/healthz" else 200)
        self.end_headers()
        self.wfile.write(self.metrics.encode() if self.path == "/metrics" else b"")

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def enforcer(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Enforcer]]:
    with http.server.HTTPServer(("127.0.0.1", 0), Enforcer) as server:
        monkeypatch.setattr(Layout, "node_address", "127.0.0.1")
        monkeypatch.setattr(Layout, "policies_port", server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield Enforcer
        server.shutdown()
        thread.join()


_SYNCS = "# TYPE kube_router_controller_iptables_sync_time histogram\nkube_router_controller_iptables_sync_time_count"


def test_policies_are_enforced_once_the_enforcer_has_been_through_them(
    readiness: Readiness, enforcer: type[Enforcer], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert readiness.policies() == "kube-router has put no network policy into force yet"

    monkeypatch.setattr(enforcer, "metrics", f"{_SYNCS} 0\n")
    assert readiness.policies() == "kube-router has put no network policy into force yet"

    monkeypatch.setattr(enforcer, "metrics", f"{_SYNCS} 2\n")
    assert readiness.policies() is None


def test_an_enforcer_that_has_stopped_looking_is_a_reason(
    readiness: Readiness, enforcer: type[Enforcer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enforcer, "metrics", f"{_SYNCS} 2\n")
    monkeypatch.setattr(enforcer, "health", 500)

    assert readiness.policies() == "kube-router has not looked at the network policies for too long"


def test_an_enforcer_that_does_not_answer_is_a_reason(readiness: Readiness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layout, "node_address", "127.0.0.1")
    monkeypatch.setattr(Layout, "policies_port", 1)

    assert "kube-router does not answer" in str(readiness.policies())
