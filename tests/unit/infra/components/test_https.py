"""HTTPS at the stack's own Gateway: the listeners, whose certificate they have, and what becomes of plain HTTP."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.rpc import UNKNOWN

from infra.components.endpoint import Endpoint, EndpointArgs
from infra.components.own_gateway import url_from_status
from infra.config.endpoints import Endpoint as EndpointConfig
from infra.config.tls import Tls
from tests.unit.infra.conftest import LOCAL_AUTHORITY

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

SAME = {"namespaces": {"from": "Same"}}
HOST = "mug.example.org"


def config(tls: dict[str, Any], **endpoint: Any) -> EndpointConfig:
    return EndpointConfig(**({"gatewayClass": "traefik", "tls": Tls(**tls)} | endpoint))


def reached(declare: Declare, tls: dict[str, Any], **endpoint: Any) -> Declared:
    args = EndpointArgs(
        namespace="triton-dev",
        path_prefix="/triton-dev",
        model="densenet_tensorrt",
        endpoint=config(tls, **endpoint),
        json_bodies=True,
        service_name="triton",
        service_port=8080,
    )

    def declaration() -> Any:
        made = Endpoint("endpoint", args)
        return {"url": made.url, "authority": made.certificate_authority}

    return declare(declaration)


def test_the_listener_ends_tls_with_the_secrets_certificate(declare: Declare) -> None:
    declared = reached(declare, {"secret": "mine"}, hostname=HOST)
    assert declared.named("endpoint-gateway").inputs["spec"] == {
        "gatewayClassName": "traefik",
        "listeners": [
            {
                "name": "https",
                "protocol": "HTTPS",
                "port": 443,
                "hostname": HOST,
                "allowedRoutes": SAME,
                "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "mine"}]},
            }
        ],
    }
    assert declared.result == {"url": f"https://{HOST}", "authority": None}


def test_of_a_secret_nothing_is_read_so_that_its_key_is_in_no_state(declare: Declare) -> None:
    assert reached(declare, {"secret": "mine"}).types() == {
        "densenet:infra:Endpoint": 1,
        "kubernetes:gateway.networking.k8s.io/v1:Gateway": 1,
        "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": 1,
        "kubernetes:traefik.io/v1alpha1:Middleware": 2,
    }


@pytest.mark.parametrize(
    ("key", "annotation"), [("issuer", "cert-manager.io/issuer"), ("clusterIssuer", "cert-manager.io/cluster-issuer")]
)
def test_cert_manager_is_told_by_whom_it_is_to_be_signed(declare: Declare, key: str, annotation: str) -> None:
    declared = reached(declare, {"secret": "mine", key: "letsencrypt"}, hostname=HOST)
    annotations = declared.named("endpoint-gateway").inputs["metadata"]["annotations"]
    assert {name: value for name, value in annotations.items() if "cert-manager" in name} == {annotation: "letsencrypt"}
    assert "pulumi.com/waitFor" in annotations


def test_the_models_route_hangs_on_the_listener_of_https_alone(declare: Declare) -> None:
    declared = reached(declare, {"secret": "mine", "redirectPort": 80}, hostname=HOST)
    route = declared.named("endpoint-route").inputs["spec"]
    assert route["parentRefs"] == [{"name": "triton", "sectionName": "https"}]


def test_plain_http_is_redirected_and_led_nowhere_else(declare: Declare) -> None:
    declared = reached(declare, {"secret": "mine", "redirectPort": 8827}, port=8927, timeoutS=600)
    _, plain = declared.named("endpoint-gateway").inputs["spec"]["listeners"]
    assert plain == {"name": "http", "protocol": "HTTP", "port": 8827, "allowedRoutes": SAME}
    redirect = declared.named("endpoint-redirect")
    assert redirect.inputs["spec"] == {
        "parentRefs": [{"name": "triton", "sectionName": "http"}],
        "rules": [
            {
                # of a port that stacks share, the own ones alone
                "matches": [{"path": {"type": "PathPrefix", "value": "/triton-dev"}}],
                "filters": [
                    {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": 8927, "statusCode": 301}}
                ],
            }
        ],
    }
    assert redirect.inputs["metadata"]["name"] == "triton-redirect"
    assert redirect.create_timeout == "600s"
    of_route = declared.named("endpoint-route").inputs["metadata"]["annotations"]
    assert redirect.inputs["metadata"]["annotations"] == of_route


def test_a_redirect_to_a_host_name_has_every_path_and_leaves_the_default_port_out(declare: Declare) -> None:
    declared = reached(declare, {"secret": "mine", "redirectPort": 80}, hostname=HOST)
    (rule,) = declared.named("endpoint-redirect").inputs["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert rule["filters"][0]["requestRedirect"] == {"scheme": "https", "statusCode": 301}
    plain = declared.named("endpoint-gateway").inputs["spec"]["listeners"][1]
    assert (plain["hostname"], plain["port"]) == (HOST, 80)


def test_a_local_certificate_is_lent_by_the_cluster_to_the_stacks_gateway(declare: Declare) -> None:
    declared = reached(declare, {"local": True}, port=8843)
    grant = declared.named("endpoint-certificate-grant")
    assert grant.type == "kubernetes:gateway.networking.k8s.io/v1beta1:ReferenceGrant"
    assert grant.inputs == {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "ReferenceGrant",
        "metadata": {"name": "triton-dev", "namespace": "kube-system"},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": "triton-dev"}],
            "to": [{"group": "", "kind": "Secret", "name": "gateway-certificate"}],
        },
    }
    gateway = declared.named("endpoint-gateway")
    (listener,) = gateway.inputs["spec"]["listeners"]
    assert listener["tls"]["certificateRefs"] == [
        {"kind": "Secret", "name": "gateway-certificate", "namespace": "kube-system"}
    ]
    assert "endpoint-certificate-grant" in gateway.dependencies
    assert declared.named("endpoint-authority").read_id == "kube-system/gateway-authority"
    assert declared.result == {"url": "https://127.0.0.1:8843/triton-dev", "authority": LOCAL_AUTHORITY}
    assert "PRIVATE" not in json.dumps([found.inputs for found in declared.resources])


def test_a_first_preview_asks_no_cluster_for_the_authority(declare: Callable[..., Declared]) -> None:
    declared = reached(partial(declare, preview=True), {"local": True}, port=8843)
    assert declared.named("endpoint-authority").read_id == UNKNOWN


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("127.0.0.1", 8843, "https://127.0.0.1:8843/triton-dev"),
        ("10.0.0.1", None, "https://10.0.0.1/triton-dev"),
        ("10.0.0.1", 80, "https://10.0.0.1:80/triton-dev"),
        ("fd00::1", 443, "https://[fd00::1]/triton-dev"),
    ],
)
def test_url_from_the_gateways_address(address: str, port: int | None, url: str) -> None:
    endpoint = config({"secret": "mine"}, port=port)
    assert url_from_status({"addresses": [{"value": address}]}, endpoint, "/triton-dev") == url


def test_children_belong_to_the_component(declare: Declare) -> None:
    resources = reached(declare, {"local": True, "redirectPort": 80}).resources
    assert {found.parent for found in resources if found.type.startswith("kubernetes:")} == {"endpoint"}
