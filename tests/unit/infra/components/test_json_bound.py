"""The rules that bound the JSON that Triton parses, to the letter, and what their expressions match."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.components.endpoint import Endpoint
from infra.config.json_bodies import BOUNDED_LENGTH, UNBOUNDED_LENGTH
from tests.unit.infra.components.test_endpoint import args

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

HEADER = "Inference-Header-Content-Length"
PATH = "/triton-dev/v2/models/densenet_tensorrt/infer"
ACCEPTS = (
    f"tensors in binary, the length of the JSON before them in {HEADER}, 1 to 4 digits; or JSON alone, without that"
    " header, of at most {} bytes; each without Content-Encoding"
)


def bounded(declare: Declare, **endpoint: Any) -> Declared:
    return declare(lambda: Endpoint("endpoint", replace(args(**endpoint), json_bodies=False)).url)


def rules(declared: Declared, path: str = PATH) -> list[dict[str, Any]]:
    spec = declared.named("endpoint-route").inputs["spec"]
    return [rule for rule in spec["rules"] if rule["matches"][0]["path"]["value"] == path]


def middleware(name: str) -> dict[str, Any]:
    return {
        "type": "ExtensionRef",
        "extensionRef": {"group": "traefik.io", "kind": "Middleware", "name": name},
    }


def match(**header: str) -> dict[str, Any]:
    found: dict[str, Any] = {"method": "POST", "path": {"type": "Exact", "value": PATH}}
    return found | ({"headers": [{"type": "RegularExpression", **header}]} if header else {})


def test_an_inference_has_three_rules_in_this_order(declare: Declare) -> None:
    declared = bounded(declare, limits={"bodyBytes": 1_000_000, "inFlight": 8})
    said = {"set": [{"name": "Infer-Accepts", "value": ACCEPTS.format(8192)}]}
    reason = {"type": "ResponseHeaderModifier", "responseHeaderModifier": said}
    as_matched = {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"remove": ["Content-Encoding", "Connection"]},
    }
    rewritten = {"type": "ReplaceFullPath", "replaceFullPath": PATH.removeprefix("/triton-dev")}
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": rewritten}}
    backends = [{"name": "triton", "port": 8080}]
    fair = [middleware("triton-limit-policy"), middleware("triton-in-flight-limit")]
    assert rules(declared) == [
        {
            "matches": [match(name=HEADER, value=UNBOUNDED_LENGTH), match(name="Content-Encoding", value=".*")],
            "filters": [reason, middleware("triton-refusal"), rewrite],
            "backendRefs": backends,
        },
        {
            "matches": [match(name=HEADER, value=BOUNDED_LENGTH)],
            "filters": [*fair, middleware("triton-body-limit"), as_matched, rewrite],
            "backendRefs": backends,
        },
        {
            "matches": [match()],
            "filters": [*fair, reason, middleware("triton-json-limit"), as_matched, rewrite],
            "backendRefs": backends,
        },
    ]


def test_keys_are_asked_for_before_anything_is_refused(declare: Declare) -> None:
    declared = bounded(declare, clients={"alice": "a" * 32}, limits={"inFlight": 8}, acceptPlainHttp=True)
    passed = [
        [each["extensionRef"]["name"] for each in rule["filters"] if "extensionRef" in each] for rule in rules(declared)
    ]
    assert passed == [
        ["triton-keys", "triton-nameless", "triton-refusal"],
        ["triton-keys", "triton-limit-policy", "triton-in-flight-limit", "triton-nameless", "triton-body-limit"],
        ["triton-keys", "triton-limit-policy", "triton-in-flight-limit", "triton-nameless", "triton-json-limit"],
    ]


def test_both_of_a_models_paths_are_bounded_and_an_http_route_takes_all_rules(declare: Declare) -> None:
    declared = bounded(declare)
    assert len(rules(declared, PATH.replace("/infer", "/versions/1/infer"))) == 3
    assert len(declared.named("endpoint-route").inputs["spec"]["rules"]) == 14


def test_middlewares(declare: Declare) -> None:
    declared = bounded(declare)
    names = ("json-limit", "refusal", "no-body", "body-limit")
    assert {name: declared.named(f"endpoint-{name}").inputs["spec"] for name in names} == {
        "json-limit": {"buffering": {"maxRequestBodyBytes": 8192}},
        "refusal": {"ipAllowList": {"sourceRange": ["255.255.255.255/32"], "rejectStatusCode": 400}},
        "no-body": {"buffering": {"maxRequestBodyBytes": 1}},
        "body-limit": {"buffering": {"maxRequestBodyBytes": 67108864}},
    }
    assert declared.types()["kubernetes:traefik.io/v1alpha1:Middleware"] == len(names)


def test_json_is_no_larger_than_any_body_may_be(declare: Declare) -> None:
    declared = bounded(declare, limits={"bodyBytes": 100})
    assert declared.named("endpoint-json-limit").inputs["spec"] == {"buffering": {"maxRequestBodyBytes": 100}}
    _, _, alone = rules(declared)
    assert ACCEPTS.format(100) in str(alone["filters"])


def test_where_json_bodies_are_routed_an_inference_has_one_rule_and_the_route_says_so(declare: Declare) -> None:
    declared = declare(lambda: Endpoint("endpoint", args(gatewayClass="istio")).url)
    (rule,) = rules(declared)
    assert rule["matches"] == [match()]
    assert rule["filters"][0]["requestHeaderModifier"] == {"remove": ["Content-Encoding"]}
    route = declared.named("endpoint-route").inputs
    assert route["metadata"]["annotations"]["densenet-triton/json-bodies"] == "true"
    shut = bounded(declare).named("endpoint-route").inputs
    assert list(shut["metadata"]["annotations"]) == ["pulumi.com/waitFor"]


LET_THROUGH = ["0", "10", "9999", "0010"]
REFUSED = ["", "10000", "00010", "+10", "-1", "0x10", "1e3", "10,20000", "10;", "all", "*", "1.0", "٣", "1 0"]


@pytest.mark.parametrize("whole", [False, True], ids=["a part of a value", "a whole value"])
@pytest.mark.parametrize("value", [*LET_THROUGH, *REFUSED])
def test_each_value_is_let_through_or_refused_however_an_expression_is_asked(value: str, *, whole: bool) -> None:
    asked = re.fullmatch if whole else re.search
    assert (asked(BOUNDED_LENGTH, value) is not None) == (value in LET_THROUGH)
    assert (asked(UNBOUNDED_LENGTH, value) is not None) == (value in REFUSED)
