"""HTTPS is one certificate, of a name that clients say; what is wrong is said with an edit that is itself accepted."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config import StackConfig, config_from_values
from infra.errors import ConfigError
from tests.unit.infra.config.mends import mended

ENDPOINT = "densenet-triton:endpoint"
CLUSTER = "densenet-triton:cluster"
SERVING = "densenet-triton:serving"
HOST = "mug.example.org"


@pytest.fixture
def values(dev_values: dict[str, Any]) -> dict[str, Any]:
    """Of a stack with a Gateway of its own, on a local cluster of which nobody knows the ports.

    Its Triton needs no bound of JSON, which not every class has.
    """
    serving = dev_values[SERVING] | {"image": "nvcr.io/nvidia/tritonserver:26.07-py3"}
    return dev_values | {
        SERVING: serving,
        CLUSTER: {"context": "embedded-x", "namespace": "triton-x"},
        ENDPOINT: {"gatewayClass": "traefik", "admit": [{"cidr": "10.210.0.254/32"}]},
    }


def checked(values: dict[str, Any]) -> StackConfig:
    return config_from_values(values, stack="x")


@pytest.mark.parametrize(
    ("context", "endpoint"),
    [
        ("embedded-x", {"tls": {"local": True}}),
        ("embedded-x", {"tls": {"local": True, "redirectPort": 8827}, "port": 8927, "hostname": "localhost"}),
        ("embedded-x", {"tls": {"secret": "mine"}}),
        ("prod", {"tls": {"secret": "mine"}, "hostname": HOST}),
        ("prod", {"tls": {"secret": "mine", "redirectPort": 80}, "gatewayClass": "istio"}),
        ("prod", {"tls": {"secret": "mine", "issuer": "letsencrypt"}, "hostname": HOST}),
        ("prod", {"tls": {"secret": "mine", "clusterIssuer": "letsencrypt"}, "hostname": HOST}),
        ("embedded", {"tls": {"local": True, "redirectPort": 8800}, "port": 8843}),
    ],
)
def test_what_is_accepted(values: dict[str, Any], context: str, endpoint: dict[str, Any]) -> None:
    values[CLUSTER]["context"] = context
    values[ENDPOINT] |= endpoint
    tls = checked(values).endpoint.tls
    assert tls is not None
    assert tls.is_issued == any("ssuer" in key for key in endpoint["tls"])


@pytest.mark.parametrize(("tls", "port"), [(None, 80), ({"local": True}, 443)])
def test_without_a_port_it_is_the_schemes_own(values: dict[str, Any], tls: dict[str, Any] | None, port: int) -> None:
    values[ENDPOINT] |= {"tls": tls}
    assert checked(values).endpoint.listener_port == port


FAULTY: list[tuple[str, dict[str, Any], list[str]]] = [
    ("embedded-x", {"tls": {}}, ["endpoint.tls names no certificate"]),
    ("prod", {"tls": {}, "hostname": HOST}, ["endpoint.tls names no certificate"]),
    ("embedded-x", {"tls": {"issuer": "le"}, "hostname": HOST}, ["endpoint.tls names no certificate"]),
    ("embedded-x", {"tls": {"local": True, "secret": "mine"}}, ["endpoint.tls.secret is a second certificate"]),
    ("prod", {"tls": {"local": True, "secret": "mine"}, "hostname": HOST}, ["endpoint.tls.local is a second"]),
    (
        "prod",
        {"tls": {"local": True, "redirectPort": 80}},
        [
            "endpoint.tls.local is true, and context prod means no local cluster, whose authority would sign",
            "endpoint.hostname is missing, and gateway class traefik finds a certificate by the name that clients say",
        ],
    ),
    (
        "embedded-x",
        {"tls": {"local": True, "issuer": "le", "clusterIssuer": "le"}},
        ["endpoint.tls.issuer is set, and endpoint.tls.local", "endpoint.tls.clusterIssuer is set, and endpoint.tls"],
    ),
    (
        "prod",
        {"tls": {"secret": "mine", "issuer": "a", "clusterIssuer": "b"}, "hostname": HOST},
        ["endpoint.tls.issuer is a, and clusterIssuer is b; accepted: one of both"],
    ),
    (
        "prod",
        {"tls": {"secret": "mine", "issuer": "le"}, "gatewayClass": "istio"},
        ["endpoint.hostname is missing, and cert-manager makes a certificate for a name"],
    ),
    (
        "prod",
        {"tls": {"secret": "mine"}},
        ["endpoint.hostname is missing, and gateway class traefik finds a certificate by the name that clients say"],
    ),
    (
        "embedded-x",
        {"tls": {"local": True}, "hostname": HOST},
        [f"endpoint.hostname is {HOST}, and the local cluster's certificate is for 127.0.0.1 and localhost"],
    ),
    ("embedded-x", {"tls": {"local": True, "redirectPort": 443}}, ["endpoint.tls.redirectPort is 443, the port of"]),
    (
        "embedded",
        {"tls": {"local": True, "redirectPort": 80}, "port": 8843},
        ["endpoint.tls.redirectPort is 80, and the embedded cluster's gateway listens for plain HTTP on 8800"],
    ),
    (
        "embedded-x",
        {
            "tls": {"secret": "mine"},
            "gateway": {"name": "public", "namespace": "gateways", "section": "https"},
            "gatewayClass": None,
        },
        ["endpoint.tls is set, and endpoint.gateway names a Gateway whose listeners have certificates of their own"],
    ),
]


@pytest.mark.parametrize(("context", "endpoint", "said"), FAULTY)
def test_a_fault_is_one_line_and_its_edit_mends_it(
    values: dict[str, Any], context: str, endpoint: dict[str, Any], said: list[str]
) -> None:
    values[CLUSTER]["context"] = context
    values[ENDPOINT] |= endpoint
    with pytest.raises(ConfigError) as raised:
        checked(values)
    for line, start in zip(raised.value.lines, said, strict=True):
        assert line.startswith(f"Pulumi.x.yaml: densenet-triton:{start}")
        values = mended(values, line)
    checked(values)


@pytest.mark.parametrize("tls", [True, "mine"])
def test_what_is_no_group_gets_one_that_is_accepted(values: dict[str, Any], tls: object) -> None:
    values[ENDPOINT]["tls"] = tls
    with pytest.raises(ConfigError) as raised:
        checked(values)
    (line,) = raised.value.lines
    assert line.endswith(
        "accepted: a group of keys; mend: in Pulumi.x.yaml set endpoint.tls: {secret: triton-certificate}"
    )
    checked(mended(values, line))
