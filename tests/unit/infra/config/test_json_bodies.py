"""Whether whole requests in JSON are routed, and whose gateway and Triton that suits."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config import config_from_values
from tests.unit.infra.config.mends import faults, mended

ENDPOINT, SERVING = "densenet-triton:endpoint", "densenet-triton:serving"
OLD, NEW = "nvcr.io/nvidia/tritonserver:24.01-py3", "nvcr.io/nvidia/tritonserver:26.07-py3"


def values_of(
    values: dict[str, Any], image: str = "triton-cpu", *, accepted: str | None = None, **endpoint: Any
) -> dict[str, Any]:
    release = {"acceptVulnerableRelease": accepted} if accepted else {}
    return values | {
        ENDPOINT: {"gatewayClass": "traefik", "port": 8800, "admit": [{"cidr": "10.210.0.254/32"}]} | endpoint,
        SERVING: values[SERVING] | {"image": image} | release,
    }


@pytest.mark.parametrize(
    ("image", "accepted", "key", "routed"),
    [
        ("triton-cpu", None, None, False),
        ("triton-cpu", None, False, False),
        ("triton-cpu", "24.10", True, True),
        (OLD, "24.01", None, False),
        (OLD, "24.01", True, True),
        (NEW, None, None, True),
        (NEW, None, False, False),
        ("registry.example/team/mine:1", None, None, False),
        ("registry.example/team/mine:1", None, True, True),
    ],
)
def test_json_is_routed_as_the_key_says_or_where_no_json_can_end_triton(
    dev_values: dict[str, Any], image: str, accepted: str | None, *, key: bool | None, routed: bool
) -> None:
    said = {} if key is None else {"jsonBodies": key}
    config = config_from_values(values_of(dev_values, image, accepted=accepted, **said), stack="x")
    assert config.json_bodies is routed


def test_a_release_that_json_can_end_is_opened_knowingly_alone(dev_values: dict[str, Any]) -> None:
    (line,) = faults(values_of(dev_values, jsonBodies=True))
    assert line == (
        "Pulumi.x.yaml: densenet-triton:endpoint.jsonBodies is true, and a request of nested JSON ends Triton 24.10,"
        " which serving.image is; accepted: true with Triton 26.05 or newer; or, for clients that are trusted, beside"
        " serving.acceptVulnerableRelease: '24.10'; mend: remove endpoint.jsonBodies from Pulumi.x.yaml"
    )
    assert faults(mended(values_of(dev_values, jsonBodies=True), line)) == []
    assert len(faults(values_of(dev_values, accepted="24.01", jsonBodies=True))) == 1


@pytest.mark.parametrize("class_", ["istio", "nobodys"])
def test_a_class_that_cannot_bound_json_is_for_a_triton_that_no_json_can_end(
    dev_values: dict[str, Any], class_: str
) -> None:
    (line,) = faults(values_of(dev_values, gatewayClass=class_))
    assert line == (
        f"Pulumi.x.yaml: densenet-triton:endpoint.gatewayClass is {class_}, which is not known to bound the JSON that"
        " Triton parses; accepted: gateway class traefik; Triton 26.05 or newer, which no JSON can end; or"
        " endpoint.jsonBodies: true, for clients that are trusted; mend: in Pulumi.x.yaml set endpoint.gatewayClass:"
        " traefik"
    )
    assert faults(mended(values_of(dev_values, gatewayClass=class_), line)) == []
    assert faults(values_of(dev_values, NEW, gatewayClass=class_)) == []
    assert faults(values_of(dev_values, accepted="24.10", gatewayClass=class_, jsonBodies=True)) == []
    assert len(faults(values_of(dev_values, NEW, gatewayClass=class_, jsonBodies=False))) == 1


@pytest.mark.parametrize(
    ("endpoint", "largest"),
    [
        ({"limits": {"bodyBytes": 1_000_000}}, 1_000_000),
        ({"gatewayClass": "traefik"}, 67_108_864),
        ({"gatewayClass": "istio"}, None),
    ],
)
def test_a_body_has_a_limit_wherever_the_class_has_one(
    dev_values: dict[str, Any], endpoint: dict[str, Any], largest: int | None
) -> None:
    config = config_from_values(values_of(dev_values, NEW, **endpoint), stack="x")
    assert config.largest_body_bytes == largest
