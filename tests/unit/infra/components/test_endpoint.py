"""The Gateway, exactly the routes that exist, the body limit and the URL."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.components.endpoint import Endpoint, EndpointArgs
from infra.components.own_gateway import url_from_status
from infra.components.routes import routes
from infra.config.endpoints import Endpoint as EndpointConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

LIMITS = ["limit-policy", "rate-limit", "in-flight-limit", "body-limit"]
"""In the order in which a request passes them: a body is taken in when nothing else speaks against it."""


def args(**endpoint: Any) -> EndpointArgs:
    return EndpointArgs(
        namespace="triton-dev",
        path_prefix="/triton-dev",
        model="densenet_tensorrt",
        endpoint=EndpointConfig(**({"gatewayClass": "traefik", "port": 8800} | endpoint)),
        json_bodies=True,
        service_name="triton",
        service_port=8080,
    )


def reached(declare: Declare, **endpoint: Any) -> Declared:
    return declare(lambda: Endpoint("endpoint", args(**endpoint)).url)


def test_gateway_and_route_are_awaited_as_long_as_is_wanted(declare: Declare) -> None:
    declared = reached(declare, timeoutS=600)
    assert [declared.named(f"endpoint-{name}").create_timeout for name in ("gateway", "route")] == ["600s", "600s"]


def test_gateway_is_awaited_until_it_is_programmed_and_has_an_address(declare: Declare) -> None:
    gateway = reached(declare).named("endpoint-gateway")
    assert gateway.type == "kubernetes:gateway.networking.k8s.io/v1:Gateway"
    assert gateway.create_timeout == "120s"
    assert gateway.inputs == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {
            "name": "triton",
            "namespace": "triton-dev",
            "annotations": {"pulumi.com/waitFor": '["condition=Programmed", "jsonpath={.status.addresses[0].value}"]'},
        },
        "spec": {
            "gatewayClassName": "traefik",
            "listeners": [
                {
                    "name": "http",
                    "protocol": "HTTP",
                    "port": 8800,
                    "allowedRoutes": {"namespaces": {"from": "Same"}},
                }
            ],
        },
    }


def test_route_is_awaited_until_the_controller_has_taken_it_up(declare: Declare) -> None:
    route = reached(declare).named("endpoint-route")
    assert json.loads(route.inputs["metadata"]["annotations"]["pulumi.com/waitFor"]) == [
        'jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}=True',
        'jsonpath={.status.parents[0].conditions[?(@.type=="ResolvedRefs")].status}=True',
    ]


def test_routed_is_this_and_nothing_else() -> None:
    assert list(routes("m")) == [
        ("GET", "/v2/health/live"),
        ("GET", "/v2/health/ready"),
        ("GET", "/v2/models/m"),
        ("GET", "/v2/models/m/ready"),
        ("GET", "/v2/models/m/config"),
        ("POST", "/v2/models/m/infer"),
        ("GET", "/v2/models/m/versions/1"),
        ("GET", "/v2/models/m/versions/1/ready"),
        ("GET", "/v2/models/m/versions/1/config"),
        ("POST", "/v2/models/m/versions/1/infer"),
    ]


def test_each_path_is_matched_exactly_and_rewritten(declare: Declare) -> None:
    spec = reached(declare).named("endpoint-route").inputs["spec"]
    assert spec["parentRefs"] == [{"name": "triton"}]
    assert len(spec["rules"]) == 10
    assert spec["rules"][0] == {
        "matches": [{"method": "GET", "path": {"type": "Exact", "value": "/triton-dev/v2/health/live"}}],
        "filters": [
            {
                "type": "ExtensionRef",
                "extensionRef": {"group": "traefik.io", "kind": "Middleware", "name": "triton-no-body"},
            },
            {
                "type": "URLRewrite",
                "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": "/v2/health/live"}},
            },
        ],
        "backendRefs": [{"name": "triton", "port": 8080}],
    }


def test_body_limit_is_on_every_route_that_takes_a_body(declare: Declare) -> None:
    declared = reached(declare, limits={"bodyBytes": 1000})
    assert declared.named("endpoint-body-limit").inputs == {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": "triton-body-limit", "namespace": "triton-dev"},
        "spec": {"buffering": {"maxRequestBodyBytes": 1000}},
    }
    limit = {
        "type": "ExtensionRef",
        "extensionRef": {"group": "traefik.io", "kind": "Middleware", "name": "triton-body-limit"},
    }
    for rule in declared.named("endpoint-route").inputs["spec"]["rules"]:
        assert (limit in rule["filters"]) == (rule["matches"][0]["method"] == "POST")


def test_health_answers_without_a_key_and_nothing_else_does(declare: Declare) -> None:
    declared = reached(declare, clients={"alice": "a" * 32}, limits={"bodyBytes": 1000})
    asked = {}
    for rule in declared.named("endpoint-route").inputs["spec"]["rules"]:
        passed = [filter_["extensionRef"]["name"] for filter_ in rule["filters"] if "extensionRef" in filter_]
        asked[rule["matches"][0]["path"]["value"].removeprefix("/triton-dev/v2")] = passed
    model = "/models/densenet_tensorrt"
    paths = [path for base in (model, f"{model}/versions/1") for path in (base, f"{base}/ready", f"{base}/config")]
    assert asked == {
        "/health/live": ["triton-no-body"],
        "/health/ready": ["triton-no-body"],
        **{path: ["triton-keys", "triton-nameless", "triton-no-body"] for path in paths},
        f"{model}/infer": ["triton-keys", "triton-nameless", "triton-body-limit"],
        f"{model}/versions/1/infer": ["triton-keys", "triton-nameless", "triton-body-limit"],
    }


@pytest.mark.parametrize("accepts", [True, False])
def test_the_route_says_what_the_stack_accepts_knowingly(declare: Declare, *, accepts: bool) -> None:
    annotations = reached(declare, acceptPlainHttp=accepts).named("endpoint-route").inputs["metadata"]["annotations"]
    assert annotations.get("densenet-triton/accepted-plain-http") == ("true" if accepts else None)


def test_each_client_has_its_rate_and_its_share_of_what_is_in_flight(declare: Declare) -> None:
    declared = reached(declare, limits={"bodyBytes": 1000, "requestsPerS": 50, "inFlight": 8})
    by_address = {"ipStrategy": {"ipv6Subnet": 64}}
    assert {name: declared.named(f"endpoint-{name}").inputs["spec"] for name in LIMITS} == {
        "limit-policy": {
            "headers": {
                "customResponseHeaders": {
                    "RateLimit-Policy": '"requests";q=50;w=1, "inFlight";q=8;qu="concurrent-requests"'
                }
            }
        },
        "rate-limit": {"rateLimit": {"average": 50, "period": "1s", "burst": 50, "sourceCriterion": by_address}},
        "in-flight-limit": {"inFlightReq": {"amount": 8, "sourceCriterion": by_address}},
        "body-limit": {"buffering": {"maxRequestBodyBytes": 1000}},
    }
    for rule in declared.named("endpoint-route").inputs["spec"]["rules"]:
        passed = [filter_["extensionRef"]["name"] for filter_ in rule["filters"] if "extensionRef" in filter_]
        limits = LIMITS if rule["matches"][0]["method"] == "POST" else ["no-body"]
        assert passed == [f"triton-{name}" for name in limits]


def test_behind_load_balancers_a_clients_address_is_what_they_say(declare: Declare) -> None:
    declared = reached(declare, limits={"inFlight": 8, "proxies": 2})
    criterion = declared.named("endpoint-in-flight-limit").inputs["spec"]["inFlightReq"]["sourceCriterion"]
    assert criterion == {"ipStrategy": {"depth": 2, "ipv6Subnet": 64}}


def test_without_a_limit_every_body_has_one_all_the_same(declare: Declare) -> None:
    declared = reached(declare)
    limits = {name: declared.named(f"endpoint-{name}").inputs["spec"] for name in ("body-limit", "no-body")}
    assert limits == {
        "body-limit": {"buffering": {"maxRequestBodyBytes": 67108864}},
        "no-body": {"buffering": {"maxRequestBodyBytes": 1}},
    }


@pytest.mark.parametrize("class_", ["istio", "nobodys"])
def test_where_the_class_knows_no_limit_there_is_no_middleware(declare: Declare, class_: str) -> None:
    assert reached(declare, gatewayClass=class_).types() == {
        "densenet:infra:Endpoint": 1,
        "kubernetes:gateway.networking.k8s.io/v1:Gateway": 1,
        "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute": 1,
    }


def test_with_a_host_name_paths_are_tritons_own(declare: Declare) -> None:
    declared = reached(declare, hostname="mug.example.org", port=80)
    assert declared.result == "http://mug.example.org"
    assert declared.named("endpoint-gateway").inputs["spec"]["listeners"][0]["hostname"] == "mug.example.org"
    rule = declared.named("endpoint-route").inputs["spec"]["rules"][0]
    assert rule["matches"] == [{"method": "GET", "path": {"type": "Exact", "value": "/v2/health/live"}}]
    assert [filter_["type"] for filter_ in rule["filters"]] == ["ExtensionRef"]


def through_public(declare: Declare, **endpoint: Any) -> Declared:
    """Declare an endpoint on the Gateway of others that the mocks have."""
    gateway = {"name": "public", "namespace": "gateways", "section": "web"}
    config = EndpointConfig.model_validate({"gateway": gateway} | endpoint)
    return declare(lambda: Endpoint("endpoint", replace(args(), endpoint=config)).url)


def test_a_gateway_that_exists_is_read_and_nothing_of_it_is_declared(declare: Declare) -> None:
    declared = through_public(declare)
    gateway = declared.named("endpoint-existing-gateway")
    assert (gateway.type, gateway.read_id) == ("kubernetes:gateway.networking.k8s.io/v1:Gateway", "gateways/public")
    assert declared.types()["kubernetes:gateway.networking.k8s.io/v1:Gateway"] == 1
    assert declared.result == "http://127.0.0.1/triton-dev"
    route = declared.named("endpoint-route").inputs["spec"]
    assert route["parentRefs"] == [{"name": "public", "namespace": "gateways", "sectionName": "web"}]
    assert "hostnames" not in route
    assert route["rules"][0]["matches"][0]["path"]["value"] == "/triton-dev/v2/health/live"


def test_on_a_gateway_that_exists_the_route_has_the_host_name(declare: Declare) -> None:
    declared = through_public(declare, hostname="mug.example.org", limits={"bodyBytes": 1000})
    assert declared.result == "http://mug.example.org"
    assert declared.named("endpoint-route").inputs["spec"]["hostnames"] == ["mug.example.org"]
    assert "kubernetes:traefik.io/v1alpha1:Middleware" in declared.types()


def test_a_route_is_not_touched_where_the_listener_does_not_take_it(declare: Declare) -> None:
    gateway = {"name": "public", "namespace": "gateways", "section": "closed"}
    config = EndpointConfig.model_validate({"gateway": gateway})
    with pytest.raises(pulumi.RunError, match="takes no routes of namespace triton-dev"):
        declare(lambda: Endpoint("endpoint", replace(args(), endpoint=config)).url)


@pytest.mark.parametrize(
    ("address", "port", "url"),
    [
        ("127.0.0.1", 8800, "http://127.0.0.1:8800/triton-dev"),
        ("10.0.0.1", 80, "http://10.0.0.1/triton-dev"),
        ("lb.example.org", 80, "http://lb.example.org/triton-dev"),
        ("fd00::1", 80, "http://[fd00::1]/triton-dev"),
    ],
)
def test_url_from_the_gateways_address(address: str, port: int, url: str) -> None:
    assert url_from_status({"addresses": [{"value": address}]}, args(port=port).endpoint, "/triton-dev") == url


@pytest.mark.parametrize("status", [None, {}, {"addresses": []}])
def test_no_url_while_there_is_no_address(status: dict[str, Any] | None) -> None:
    assert url_from_status(status, args().endpoint, "/triton-dev") == ""


def test_children_belong_to_the_component(declare: Declare) -> None:
    resources = reached(declare, limits={"bodyBytes": 1}).resources
    assert {found.parent for found in resources if found.type.startswith("kubernetes:")} == {"endpoint"}
