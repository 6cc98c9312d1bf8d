"""The way in is a Gateway of one's own or one that exists: one of both, and in one line when wrong."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config import config_from_values
from infra.errors import ConfigError

ENDPOINT = "densenet-triton:endpoint"
PUBLIC = {"name": "public", "namespace": "gateways", "section": "https"}


def faults(values: dict[str, Any], **endpoint: Any) -> list[str]:
    try:
        config_from_values(values | {ENDPOINT: {"admit": [{"cidr": "10.210.0.254/32"}]} | endpoint}, stack="x")
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_one_that_exists_brings_its_own_port(dev_values: dict[str, Any]) -> None:
    assert faults(dev_values, gateway=PUBLIC, limits={"bodyBytes": 1_000_000}, hostname="mug.example.org") == []


def test_neither_is_a_fault(dev_values: dict[str, Any]) -> None:
    (line,) = faults(dev_values, port=8800)
    assert line == (
        "Pulumi.x.yaml: densenet-triton:endpoint.gatewayClass is missing; accepted: Gateway class of the cluster, or"
        " endpoint.gateway: one that exists; mend: in Pulumi.x.yaml set endpoint.gatewayClass: traefik"
    )


@pytest.mark.parametrize("port", [8800, 80])
def test_both_are_a_fault_by_each_key(port: int, dev_values: dict[str, Any]) -> None:
    found = faults(dev_values, gateway=PUBLIC, gatewayClass="traefik", port=port)
    for line, (key, value) in zip(found, (("gatewayClass", "traefik"), ("port", port)), strict=True):
        assert line == (
            f"Pulumi.x.yaml: densenet-triton:endpoint.{key} is {value}, and endpoint.gateway names a Gateway that has"
            f" its own; accepted: endpoint.gateway, or endpoint.{key} of a Gateway that the stack makes; mend: remove"
            f" endpoint.{key} from Pulumi.x.yaml"
        )


def test_its_listener_is_named(dev_values: dict[str, Any]) -> None:
    (line,) = faults(dev_values, gateway={"name": "public", "namespace": "gateways"})
    assert line.startswith("Pulumi.x.yaml: densenet-triton:endpoint.gateway.section is missing; accepted: Name of its")
    assert line.endswith("mend: in Pulumi.x.yaml set endpoint.gateway.section: https")
