"""No rule gives Triton JSON without a bound, nor a body to unpack, and what bounds it does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.components.door import Door
from infra.components.json_bound import JsonBound
from infra.components.routes import rules_from_model
from policy.json_bound import json_violations
from tests.unit.policy.objects import resource

if TYPE_CHECKING:
    from collections.abc import Callable

ROUTE = "gateway.networking.k8s.io/v1:HTTPRoute"
MIDDLEWARE = "traefik.io/v1alpha1:Middleware"
JSON = ["POST of /x/v2/models/m/infer gives Triton JSON of any length"]
UNPACKED = ["POST of /x/v2/models/m/infer leaves Content-Encoding on, and a small body may unpack to gigabytes"]

Rules = list[dict[str, Any]]


def middleware(name: str) -> dict[str, Any]:
    return {"type": "ExtensionRef", "extensionRef": {"group": "traefik.io", "kind": "Middleware", "name": name}}


SHUT = Door(json=JsonBound(alone=(middleware("triton-json-limit"),), refused=(middleware("triton-refusal"),)))


def found(change: Callable[[Rules], object], *, door: Door = SHUT, says: str | None = None) -> list[str]:
    """What is found of a model's own rules, of one path, with something changed."""
    rules = json.loads(
        json.dumps(rules_from_model("m", prefix="/x", backend={"name": "triton", "port": 8080}, door=door))
    )
    rules = [rule for rule in rules if "versions" not in rule["matches"][0]["path"]["value"]]
    inferences = [rule for rule in rules if rule["matches"][0]["method"] == "POST"]
    change(inferences)
    rules = [rule for rule in rules if rule["matches"][0]["method"] == "GET"] + inferences
    annotations = {"densenet-triton/json-bodies": says} if says else None
    route = resource(ROUTE, {"rules": rules}, annotations=annotations)
    return [violation.found for violation in json_violations(route)]


def test_what_the_endpoint_routes_passes() -> None:
    assert found(lambda _: None) == []
    assert found(lambda _: None, door=Door(), says="true") == []


def test_json_bodies_are_what_the_route_says() -> None:
    assert found(lambda _: None, door=Door()) == JSON
    assert found(lambda _: None, door=Door(), says="false") == JSON


def test_a_rule_that_leads_nowhere_gives_triton_nothing() -> None:
    def redirect(rules: Rules) -> None:
        rules[:] = [{"matches": rules[2]["matches"], "filters": [{"type": "RequestRedirect"}]}]

    assert found(redirect) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rules: rules.pop(0),
        lambda rules: rules.reverse(),
        lambda rules: rules[0]["matches"].pop(0),
        lambda rules: rules[0]["matches"][0]["path"].update(value="/x/v2/models/other/infer"),
        lambda rules: rules[0]["matches"][0]["headers"][0].update(value="[0-9]{6}"),
        lambda rules: rules[1]["matches"][0]["headers"][0].update(value="[0-9]+"),
        lambda rules: rules[1]["matches"][0]["headers"][0].update(type="Exact"),
        lambda rules: rules[1]["matches"][0]["headers"][0].update(name="Content-Length"),
        lambda rules: rules[2]["filters"].remove(middleware("triton-json-limit")),
    ],
    ids=range(9),
)
def test_a_bound_with_a_gap_is_none(change: Callable[[Rules], object]) -> None:
    assert found(change) == JSON


def test_a_rule_that_refuses_not_is_one_that_lets_through() -> None:
    assert (
        found(lambda rules: rules[0]["filters"].remove(middleware("triton-refusal"))) == [*UNPACKED, *JSON] * 2 + JSON
    )


@pytest.mark.parametrize(("door", "says"), [(SHUT, None), (Door(), "true")])
def test_no_body_is_unpacked(door: Door, says: str | None) -> None:
    def unpack(rules: Rules) -> None:
        rules[-1]["filters"] = [each for each in rules[-1]["filters"] if each["type"] != "RequestHeaderModifier"]

    assert found(unpack, door=door, says=says) == UNPACKED


@pytest.mark.parametrize(
    ("name", "spec", "said"),
    [
        ("triton-json-limit", {"buffering": {"maxRequestBodyBytes": 8192.0}}, []),
        ("triton-json-limit", {"buffering": {"maxRequestBodyBytes": 8193.0}}, ["its limit is 8193.0"]),
        ("triton-json-limit", {"buffering": {}}, ["its limit is none"]),
        ("triton-refusal", {"ipAllowList": {"sourceRange": ["255.255.255.255/32"], "rejectStatusCode": 400}}, []),
        ("triton-refusal", {"ipAllowList": {"sourceRange": ["0.0.0.0/0"]}}, ["it refuses not everybody"]),
        (
            "triton-refusal",
            {"ipAllowList": {"sourceRange": ["255.255.255.255/32"], "ipStrategy": {"depth": 1}}},
            ["it refuses not everybody"],
        ),
        ("triton-refusal", {"headers": {}}, ["it refuses not everybody"]),
        ("triton-body-limit", {"buffering": {"maxRequestBodyBytes": 8193.0}}, []),
    ],
)
def test_a_middleware_does_what_its_name_says(name: str, spec: dict[str, Any], said: list[str]) -> None:
    assert [violation.found for violation in json_violations(resource(MIDDLEWARE, spec, name=name))] == said
