"""What of the door a gateway class can't hold, and what would shut out those who are let in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.infra.config.mends import faults, mended

ENDPOINT = "densenet-triton:endpoint"
OWN = {"gatewayClass": "traefik", "port": 8800, "admit": [{"cidr": "10.210.0.254/32"}]}
SERVING = "densenet-triton:serving"


def values_of(values: dict[str, Any], **endpoint: Any) -> dict[str, Any]:
    return values | {ENDPOINT: OWN | endpoint}


@pytest.mark.parametrize(
    ("limit", "cannot"),
    [
        ("bodyBytes", "bound a request's body"),
        ("requestsPerS", "bound a client's requests a second"),
        ("inFlight", "bound a client's requests in flight"),
    ],
)
@pytest.mark.parametrize("class_", ["istio", "nobodys"])
def test_a_class_that_cannot_limit_is_told_with_one_that_can(
    dev_values: dict[str, Any], class_: str, limit: str, cannot: str
) -> None:
    dev_values[SERVING]["acceptVulnerableRelease"] = "24.10"  # which a class that can't bound JSON leaves open
    values = values_of(dev_values, gatewayClass=class_, jsonBodies=True, limits={limit: 1_000_000})
    (line,) = faults(values)
    assert line == (
        f"Pulumi.x.yaml: densenet-triton:endpoint.limits.{limit} is 1000000: gateway class {class_} cannot {cannot};"
        f" accepted: none, or gateway class traefik; mend: remove endpoint.limits.{limit} from Pulumi.x.yaml"
    )
    assert faults(mended(values, line)) == []
    assert faults(values_of(dev_values, limits={limit: 1_000_000})) == []
    assert faults(values_of(dev_values, gatewayClass=class_, jsonBodies=True, limits={})) == []


@pytest.mark.parametrize("limit", ["bodyBytes", "requestsPerS", "inFlight"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_of_nothing_shuts_everybody_out(dev_values: dict[str, Any], limit: str, value: int) -> None:
    values = values_of(dev_values, limits={limit: value})
    (line,) = faults(values)
    assert faults(mended(values, line)) == []
    assert f"endpoint.limits.{limit} is {value}; accepted: at least 1; mend: in Pulumi.x.yaml set" in line


def test_a_limit_that_shuts_out_the_models_own_request_is_told_with_what_it_needs(dev_values: dict[str, Any]) -> None:
    needed = 4 * 3 * 224 * 224 + 1024
    values = values_of(dev_values, limits={"bodyBytes": needed - 1})
    (line,) = faults(values)
    assert line == (
        f"Pulumi.x.yaml: densenet-triton:endpoint.limits.bodyBytes is {needed - 1}, and a request for one picture has"
        f" {needed}: 3 x 224 x 224 x 4 bytes, and a header; accepted: at least {needed};"
        " mend: in Pulumi.x.yaml set endpoint.limits.bodyBytes: 1048576"
    )
    assert faults(mended(values, line)) == []
    assert faults(values_of(dev_values, limits={"bodyBytes": needed})) == []


def test_of_a_model_that_nobody_knows_yet_nothing_is_said(dev_values: dict[str, Any]) -> None:
    source = {"kind": "onnx", "url": "https://example.org/m.onnx", "sha256": "a" * 64}
    dev_values["densenet-triton:model"] |= {"source": source}
    assert faults(values_of(dev_values, limits={"bodyBytes": 1})) == []
