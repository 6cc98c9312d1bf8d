"""The URL through a Gateway of others, and why its routes can't be ours."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from infra.components.existing_gateway import Wanted, url_from_gateway
from infra.config.endpoints import Endpoint

CLIENTS = {"alice": "a" * 32}
ALL = {"namespaces": {"from": "All"}}


def url(
    listener: dict[str, Any],
    *,
    address: str | None = "10.0.0.1",
    class_: str = "traefik",
    json_bodies: bool = True,
    **endpoint: Any,
) -> str:
    gateway = {"name": "public", "namespace": "gateways", "section": "web"}
    wanted = Wanted(
        endpoint=Endpoint.model_validate({"gateway": gateway} | endpoint),
        json_bodies=json_bodies,
        namespace="triton-dev",
    )
    found = {"name": "web", "protocol": "HTTP", "port": 80.0, "allowedRoutes": ALL} | listener
    status = {"addresses": [{"value": address}]} if address else {}
    return url_from_gateway({"gatewayClassName": class_, "listeners": [found]}, status, wanted)


@pytest.mark.parametrize(
    ("listener", "endpoint", "expected"),
    [
        ({}, {}, "http://10.0.0.1/triton-dev"),
        ({"port": 8800.0}, {}, "http://10.0.0.1:8800/triton-dev"),
        ({"protocol": "HTTPS", "port": 443.0}, {}, "https://10.0.0.1/triton-dev"),
        ({"protocol": "HTTPS", "port": 8443.0}, {"hostname": "mug.example.org"}, "https://mug.example.org:8443"),
        ({"hostname": "api.example.org"}, {}, "http://api.example.org/triton-dev"),
        ({"hostname": "*.example.org"}, {"hostname": "mug.example.org"}, "http://mug.example.org"),
        ({"allowedRoutes": {"namespaces": {"from": "Selector"}}}, {}, "http://10.0.0.1/triton-dev"),
        ({}, {"limits": {"bodyBytes": 1000}}, "http://10.0.0.1/triton-dev"),
        ({"protocol": "HTTPS", "port": 443.0}, {"clients": CLIENTS}, "https://10.0.0.1/triton-dev"),
        ({}, {"clients": CLIENTS, "acceptPlainHttp": True}, "http://10.0.0.1/triton-dev"),
    ],
)
def test_scheme_port_and_host_are_the_listeners(
    listener: dict[str, Any], endpoint: dict[str, Any], expected: str
) -> None:
    assert url(listener, **endpoint) == expected


def test_an_address_of_ipv6_is_in_brackets() -> None:
    assert url({}, address="fd00::1") == "http://[fd00::1]/triton-dev"


@pytest.mark.parametrize(
    ("listener", "more", "said"),
    [
        (
            {"name": "https", "protocol": "HTTPS", "port": 443.0},
            {},
            "endpoint.gateway.section: Gateway gateways/public has no listener web; accepted: https (HTTPS 443)",
        ),
        (
            {"protocol": "TLS"},
            {},
            "listener web of Gateway gateways/public is TLS; accepted: a listener of HTTP or HTTPS",
        ),
        (
            {"allowedRoutes": None},
            {},
            "takes no routes of namespace triton-dev (allowedRoutes.namespaces.from: Same); accepted: All, or Selector",
        ),
        (
            {"hostname": "api.example.org"},
            {"hostname": "mug.example.org"},
            "is mug.example.org, and listener web of Gateway gateways/public takes api.example.org alone",
        ),
        (
            {"hostname": "*.example.org"},
            {},
            "endpoint.hostname is missing, and listener web of Gateway gateways/public",
        ),
        ({"hostname": "*.example.org"}, {"hostname": "mugexample.org"}, "takes *.example.org alone"),
        ({}, {"address": None}, "Gateway gateways/public has no address in its status; accepted: a Gateway that its"),
        (
            {},
            {"clients": CLIENTS},
            "them: listener web of Gateway gateways/public is HTTP; accepted: a listener of HTTPS, or endpoint.accept",
        ),
        (
            {"protocol": "HTTPS", "port": 443.0},
            {"clients": CLIENTS, "class_": "istio"},
            "cannot ask clients for keys; accepted: none, or gateway class traefik; name another in endpoint.gateway",
        ),
        (
            {},
            {"limits": {"bodyBytes": 1000}, "class_": "istio"},
            "of class istio, which cannot bound a request's body; accepted: none, or gateway class traefik; remove",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(listener: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        url(listener, **more)
    (line,) = str(raised.value).splitlines()
    assert said in line


def test_a_class_that_cannot_bound_json_is_refused_where_a_request_could_end_triton() -> None:
    with pytest.raises(pulumi.RunError) as caught:
        url({}, class_="istio", json_bodies=False)
    assert str(caught.value) == (
        "endpoint.gateway: Gateway gateways/public is of class istio, which is not known to bound the JSON that Triton"
        " parses; accepted: gateway class traefik; Triton 26.05 or newer, which no JSON can end; or"
        " endpoint.jsonBodies: true, for clients that are trusted"
    )
    assert url({}, class_="istio") == url({}, json_bodies=False) == "http://10.0.0.1/triton-dev"
