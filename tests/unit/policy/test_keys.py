"""HTTPS and keys: the stack's own listener, every rule but health, or a stack that accepts it knowingly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.components.door import Door
from infra.components.routes import rules_from_model
from infra.config.endpoints import ACCEPTED_PLAIN_HTTP
from policy.keys import accepted_plain_http_violations, key_violations
from policy.resource import UNKNOWN
from tests.unit.policy.objects import resource

if TYPE_CHECKING:
    from policy.resource import Resource

ROUTE = "gateway.networking.k8s.io/v1:HTTPRoute"
OWN = {"name": "triton"}
OF_OTHERS = {"name": "public", "namespace": "gateways", "sectionName": "web"}


def filter_of(middleware: str) -> dict[str, Any]:
    return {
        "type": "ExtensionRef",
        "extensionRef": {"group": "traefik.io", "kind": "Middleware", "name": middleware},
    }


KEYED = Door(every=(filter_of("keys"),), infer=(filter_of("keys"), filter_of("body-limit")))
UNKEYED = Door(infer=(filter_of("body-limit"),))


def gateway(*protocols: str) -> Resource:
    listeners = [{"name": protocol.lower(), "protocol": protocol, "port": 80} for protocol in protocols]
    return resource("gateway.networking.k8s.io/v1:Gateway", {"gatewayClassName": "traefik", "listeners": listeners})


def middleware(name: str, **spec: Any) -> Resource:
    return resource("traefik.io/v1alpha1:Middleware", spec, name=name)


KEYS = middleware("keys", basicAuth={"secret": "triton-clients"})
LIMIT = middleware("body-limit", buffering={"maxRequestBodyBytes": 1})


def route(door: Door, *, parent: dict[str, Any] = OWN, prefix: str = "/x", **annotations: str) -> Resource:
    rules = rules_from_model("m", prefix=prefix, backend={"name": "triton", "port": 8080}, door=door)
    return resource(ROUTE, {"parentRefs": [parent], "rules": rules}, annotations=annotations)


def found(*resources: Resource) -> list[str]:
    return [violation.line for violation in key_violations(resources)]


@pytest.mark.parametrize("prefix", ["", "/triton-x"])
@pytest.mark.parametrize("parent", [OWN, {"name": UNKNOWN}, OWN | {"sectionName": "https"}])
def test_https_with_a_key_for_all_but_health_passes(prefix: str, parent: dict[str, Any]) -> None:
    assert found(route(KEYED, prefix=prefix, parent=parent), gateway("HTTPS"), KEYS, LIMIT) == []


def test_a_listener_of_http_is_refused() -> None:
    (line,) = found(route(KEYED), gateway("HTTP"), KEYS)
    assert line == (
        "Gateway triton-x/triton, listener http: is HTTP, and leads to Triton; accepted: HTTPS; or"
        " endpoint.acceptPlainHttp: true, knowingly; mend: in Pulumi.x.yaml set endpoint.tls"
    )


def test_a_listener_beside_it_counts_where_the_route_does_not_name_its_own() -> None:
    both = gateway("HTTPS", "HTTP")
    assert len(found(route(KEYED), both, KEYS)) == 1
    assert found(route(KEYED, parent=OWN | {"sectionName": "https"}), both, KEYS) == []
    assert len(found(route(KEYED, parent=OWN | {"sectionName": "http"}), both, KEYS)) == 1


def test_the_listener_of_others_is_theirs() -> None:
    assert found(route(KEYED, parent=OF_OTHERS), KEYS) == []
    assert found(route(KEYED, parent=OF_OTHERS), gateway("HTTP"), KEYS) == []


def test_a_redirect_leads_to_nothing() -> None:
    rule = {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}]}
    redirect = resource(ROUTE, {"parentRefs": [OWN], "rules": [rule]}, annotations={ACCEPTED_PLAIN_HTTP: "true"})
    assert found(replace(redirect, props=redirect.props | {"metadata": {}}), gateway("HTTP")) == []
    assert list(accepted_plain_http_violations(redirect)) == []


def test_every_rule_without_a_key_is_named_but_health() -> None:
    lines = found(route(UNKEYED), gateway("HTTPS"), LIMIT)
    assert len(lines) == 8
    assert lines[0] == (
        "HTTPRoute triton-x/triton: GET of /x/v2/models/m asks for no key; accepted: a filter with basicAuth on all but"
        " health; or endpoint.acceptPlainHttp: true, knowingly; mend: make client ADD=name STACK=x"
    )
    assert not any("health" in line.partition(" asks ")[0] for line in lines)


@pytest.mark.parametrize("keys", [middleware("keys", headers={}), middleware("keys", basicAuth={}), LIMIT])
def test_a_filter_counts_by_what_its_middleware_does(keys: Resource) -> None:
    assert len(found(route(KEYED), gateway("HTTPS"), keys)) == 8


def test_a_filter_that_a_preview_does_not_know_yet_may_be_the_one() -> None:
    unknown = Door(every=(filter_of(UNKNOWN),), infer=(filter_of(UNKNOWN),))
    assert found(route(unknown), gateway("HTTPS"), KEYS) == []
    assert len(found(route(unknown), gateway("HTTPS"), LIMIT)) == 8


def test_health_is_what_triton_is_asked() -> None:
    rule = {
        "matches": [{"method": "POST", "path": {"type": "Exact", "value": "/v2/health/live"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"path": {"replaceFullPath": "/v2/models/m/infer"}}}],
        "backendRefs": [{"name": "triton"}],
    }
    assert len(found(resource(ROUTE, {"parentRefs": [OWN], "rules": [rule]}), gateway("HTTPS"), KEYS)) == 1


def test_what_the_stack_accepts_is_reminded_of_and_passes() -> None:
    accepting = route(UNKEYED, **{ACCEPTED_PLAIN_HTTP: "true"})
    assert found(accepting, gateway("HTTP")) == []
    (violation,) = accepted_plain_http_violations(accepting)
    assert violation.line == (
        "HTTPRoute triton-x/triton: may be without HTTPS or without keys, and Pulumi.x.yaml accepts it; accepted: HTTPS"
        " and keys; or endpoint.acceptPlainHttp: true, knowingly; mend: in Pulumi.x.yaml set endpoint.tls, and make"
        " client ADD=name STACK=x"
    )


@pytest.mark.parametrize("value", ["false", ""])
def test_nothing_else_is_an_acceptance(value: str) -> None:
    other = route(UNKEYED, **{ACCEPTED_PLAIN_HTTP: value})
    assert len(found(other, gateway("HTTP"))) == 9
    assert list(accepted_plain_http_violations(other)) == []
    assert list(accepted_plain_http_violations(replace(other, type="kubernetes:core/v1:Service"))) == []
