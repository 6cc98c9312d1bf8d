"""Ways in: one Service inside, one route outside, and nothing of Triton but what its clients need."""

from __future__ import annotations

from typing import Any

import pytest

from infra.components.routes import routes
from policy.exposure import exposure_violations
from tests.unit.policy.objects import resource

PORT = {"name": "http", "port": 8080, "targetPort": "http"}
ROUTE = "gateway.networking.k8s.io/v1:HTTPRoute"


def service(**spec: Any) -> list[str]:
    return [
        violation.found for violation in exposure_violations(resource("core/v1:Service", {"ports": [PORT], **spec}))
    ]


def route(method: str | None, path: str, *, kind: str = "Exact", rewritten: dict[str, str] | None = None) -> list[str]:
    match: dict[str, Any] = {"path": {"type": kind, "value": path}, **({"method": method} if method else {})}
    filters = [{"type": "URLRewrite", "urlRewrite": {"path": rewritten}}] if rewritten else []
    rules = [{"matches": [match], "filters": filters}]
    return [violation.found for violation in exposure_violations(resource(ROUTE, {"rules": rules}))]


def test_the_service_inside_passes() -> None:
    assert service() == []
    assert service(type="ClusterIP") == []


@pytest.mark.parametrize("type_", ["LoadBalancer", "NodePort"])
def test_a_service_outside_is_refused(type_: str) -> None:
    assert service(type=type_) == [f"type is {type_}"]


@pytest.mark.parametrize("target", [8001, 8002, "metrics"])
def test_a_port_of_metrics_or_grpc_is_refused(target: int | str) -> None:
    assert service(ports=[PORT, {"port": 9000, "targetPort": target}]) == [f"port 9000 leads to {target}"]


def test_addresses_of_its_own_are_refused() -> None:
    assert service(externalIPs=["192.0.2.1"]) == ["externalIPs are ['192.0.2.1']"]


@pytest.mark.parametrize(("method", "path"), list(routes("densenet_tensorrt")))
def test_what_the_endpoint_routes_passes(method: str, path: str) -> None:
    assert route(method, path) == []
    assert route(method, f"/triton-x{path}", rewritten={"type": "ReplaceFullPath", "replaceFullPath": path}) == []


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/v2/repository/index", "Exact"),
        ("GET", "/v2/models/m/stats", "Exact"),
        ("GET", "/metrics", "Exact"),
        ("POST", "/v2/models/m/config", "Exact"),
        ("GET", "/v2/models/m", "PathPrefix"),
        (None, "/v2/models/m/infer", "Exact"),
    ],
)
def test_anything_else_is_refused(method: str | None, path: str, kind: str) -> None:
    assert len(route(method, path, kind=kind)) == 1


def test_a_path_counts_as_triton_gets_it() -> None:
    rewritten = {"type": "ReplaceFullPath", "replaceFullPath": "/v2/logging"}
    assert route("GET", "/v2/health/live", rewritten=rewritten) == [
        "GET of /v2/health/live (Exact) leads to /v2/logging"
    ]


def test_a_route_through_a_gateway_of_others_is_held_to_the_same() -> None:
    parent = {"name": "public", "namespace": "gateways", "sectionName": "https"}
    rules = [
        {"matches": [{"method": "GET", "path": {"type": "Exact", "value": path}}]}
        for path in ("/v2", "/v2/health/live")
    ]
    spec = {"parentRefs": [parent], "hostnames": ["triton.example"], "rules": rules}

    (violation,) = exposure_violations(resource(ROUTE, spec))

    assert violation.found == "GET of /v2 (Exact) leads to /v2"


def test_a_rule_that_matches_everything_is_refused() -> None:
    assert len(list(exposure_violations(resource(ROUTE, {"rules": [{"backendRefs": []}]})))) == 1


REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
EVERYTHING = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({}, 0),
        ({"backendRefs": [{"name": "triton", "port": 8080}]}, 1),
        ({"filters": [REDIRECT, {"type": "RequestMirror"}]}, 1),
    ],
)
def test_a_rule_that_only_sends_clients_elsewhere_leads_to_nothing(more: dict[str, Any], refused: int) -> None:
    rule = {**EVERYTHING, "filters": [REDIRECT], **more}
    assert len(list(exposure_violations(resource(ROUTE, {"rules": [rule]})))) == refused


def test_another_kind_of_way_in_is_refused() -> None:
    assert len(list(exposure_violations(resource("networking.k8s.io/v1:Ingress", {})))) == 1
