"""Whom NetworkPolicies name: each fault is one line, and its mend is itself accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.config import config_from_values
from infra.release import build_ways, fetch_ports
from tests.unit.infra.config.mends import faults, mended

SHA = "0" * 64
TRAEFIK = {
    "namespaceLabels": {"kubernetes.io/metadata.name": "traefik"},
    "podLabels": {"app.kubernetes.io/name": "traefik"},
}
EMBEDDED = [{"cidr": "10.210.0.254/32"}]


@pytest.fixture
def values(dev_values: dict[str, Any]) -> dict[str, Any]:
    """The configuration of Pulumi.dev.yaml, with nothing that is written twice."""
    found: dict[str, Any] = json.loads(json.dumps(dev_values))
    return found


def with_source(values: dict[str, Any], url: str, **cluster: Any) -> dict[str, Any]:
    values["densenet-triton:model"]["source"] = {"kind": "onnx", "url": url, "sha256": SHA}
    values["densenet-triton:cluster"] |= cluster
    return values


@pytest.mark.parametrize("admit", [[], None])
def test_nobody_admitted_is_a_fault_where_policies_keep_out_the_rest(values: dict[str, Any], admit: Any) -> None:
    endpoint = values["densenet-triton:endpoint"]
    del endpoint["admit"]
    endpoint |= {} if admit is None else {"admit": admit}
    (line,) = faults(values)
    assert line == (
        "Pulumi.x.yaml: densenet-triton:endpoint.admit is missing, and into Triton come those alone whom it names;"
        " accepted: the gateway's pods, by namespaceLabels and podLabels, or the addresses that it asks from, by cidr;"
        " or cluster.networkPolicies: false; mend: in Pulumi.x.yaml set endpoint.admit: [{cidr: 10.210.0.254/32}]"
    )
    assert faults(mended(values, line)) == []


def test_elsewhere_the_mend_is_traefiks_pods(values: dict[str, Any]) -> None:
    values["densenet-triton:cluster"]["context"] = "mine"
    del values["densenet-triton:endpoint"]["admit"]
    (line,) = faults(values)
    assert line.endswith(
        "set endpoint.admit: [{namespaceLabels: {kubernetes.io/metadata.name: traefik}, podLabels:"
        " {app.kubernetes.io/name: traefik}}]"
    )
    assert (
        config_from_values(mended(values, line), stack="x")
        .endpoint.admit[0]
        .model_dump(by_alias=True, exclude_none=True)
        == TRAEFIK
    )


def test_without_policies_nobody_need_be_admitted(values: dict[str, Any]) -> None:
    del values["densenet-triton:endpoint"]["admit"]
    values["densenet-triton:cluster"]["networkPolicies"] = False
    assert faults(with_source(values, "https://10.0.0.5/model.onnx")) == []


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("10.0.0.0/8", 'endpoint.admit.0 is "10.0.0.0/8"; accepted: a group of keys; mend: in'),
        (None, "endpoint.admit.0 is null; accepted: a group of keys; mend: in"),
        ({"cidr": "fe80::1%eth0/128"}, 'endpoint.admit.0.cidr is "fe80::1%eth0/128"; accepted: an address range such'),
        ({}, "endpoint.admit.0 names nobody; accepted: namespaceLabels, podLabels or both; or cidr; mend: in"),
        (
            {"cidr": "10.0.0.0/8"} | TRAEFIK,
            "endpoint.admit.0.cidr is 10.0.0.0/8 beside labels; accepted: labels, or cidr;",
        ),
        ({"cidr": "10.0.0.7"}, 'endpoint.admit.0.cidr is "10.0.0.7"; accepted: an address range such as'),
        ({"cidr": "10.0.0.7/8"}, 'endpoint.admit.0.cidr is "10.0.0.7/8"; accepted: an address range such as'),
        ({"cidr": "everybody"}, 'endpoint.admit.0.cidr is "everybody"; accepted: an address range such as'),
        ({"cidr": 10}, "endpoint.admit.0.cidr is 10; accepted: text"),
        (
            {"podLabels": {}},
            "endpoint.admit.0.podLabels has no label, which would mean everybody; accepted: Kubernetes",
        ),
        ({"podLabels": []}, "endpoint.admit.0.podLabels is []; accepted: Kubernetes labels, one or more, with text in"),
        ({"podLabels": {"a b": "c"}}, "endpoint.admit.0.podLabels has the key 'a b'; accepted: Kubernetes labels"),
        ({"namespaceLabels": {"a": "b c"}}, "endpoint.admit.0.namespaceLabels has a with a text that it can't have;"),
        ({"namespaceLabels": {"a": True}}, "endpoint.admit.0.namespaceLabels has a with a text that it can't have;"),
        (
            {"pods": "traefik", "cidr": "10.0.0.0/8"},
            'endpoint.admit.0.pods is not a key (it holds "traefik"); accepted: namespaceLabels, podLabels, cidr; mend',
        ),
    ],
)
def test_an_item_that_is_none_is_one_line_with_an_edit_that_is_accepted(
    values: dict[str, Any], item: Any, said: str
) -> None:
    values["densenet-triton:endpoint"]["admit"] = [item]
    (line,) = faults(values)
    assert line.startswith(f"Pulumi.x.yaml: densenet-triton:{said}")
    assert faults(mended(values, line)) == []


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "2001:db8::/32", "35.191.0.0/16"])
def test_ranges_that_are_taken(values: dict[str, Any], cidr: str) -> None:
    values["densenet-triton:endpoint"]["admit"] = [{"cidr": cidr}]
    assert config_from_values(values, stack="x").endpoint.admit[0].cidr == cidr


@pytest.mark.parametrize(
    ("url", "cidr", "port"),
    [
        ("https://10.0.0.5/model.onnx", "10.0.0.5/32", 443),
        ("https://user:word@192.168.1.2:8443/m?sig=s", "192.168.1.2/32", 8443),
        ("https://169.254.169.254/latest", "169.254.169.254/32", 443),
        ("https://[fd00::5]/m.onnx", "fd00::5/128", 443),
    ],
)
def test_a_source_on_an_internal_address_is_named_with_the_way_there(
    values: dict[str, Any], url: str, cidr: str, port: int
) -> None:
    more = {"cidr": "10.9.9.9/32", "port": 443}
    (line,) = faults(with_source(values, url, buildEgress=[more]))
    assert line.startswith("Pulumi.x.yaml: densenet-triton:model.source.url is ")
    assert (
        ", and a NetworkPolicy lets the build go there only by an address that is named; accepted: a host on the"
        " internet; or its range of addresses and its port in cluster.buildEgress; mend: in"
    ) in line
    assert "word" not in line
    again = mended(values, line)
    assert again["densenet-triton:cluster"]["buildEgress"] == [more, {"cidr": cidr, "port": port}]
    assert faults(again) == []


@pytest.mark.parametrize(
    "url", ["https://192.0.2.7/m.onnx", "https://[2001:db8::5]/m.onnx", "https://models.internal/m"]
)
def test_a_source_elsewhere_needs_no_way(values: dict[str, Any], url: str) -> None:
    """Where a name leads nobody knows before it is asked."""
    assert faults(with_source(values, url)) == []


def test_a_way_is_of_its_range_and_port(values: dict[str, Any]) -> None:
    url = "https://10.0.0.5:8443/m.onnx"
    for way, is_open in ((("10.0.0.0/24", 8443), True), (("10.0.0.0/24", 443), False), (("10.1.0.0/24", 8443), False)):
        ways = [dict(zip(("cidr", "port"), way, strict=True))]
        assert (faults(with_source(values, url, buildEgress=ways)) == []) is is_open


def test_a_picture_on_an_internal_address_is_named_likewise(values: dict[str, Any]) -> None:
    picture = {"url": "https://10.0.0.5/mug.png", "sha256": SHA}
    values["densenet-triton:model"]["expect"]["image"] = picture
    (line,) = faults(values)
    assert line.startswith('Pulumi.x.yaml: densenet-triton:model.expect.image.url is "https://10.0.0.5/mug.png", and')
    assert faults(mended(values, line)) == []


@pytest.mark.parametrize(
    ("proxy", "ways", "is_fault"),
    [
        ("http://10.0.0.7:3128", [], False),  # which names its own address
        ("http://proxy.example.org:3128", [], True),  # nobody knows where that leads
        ("http://proxy.example.org:3128", [{"cidr": "192.168.0.0/16", "port": 3129}], True),
        ("http://proxy.example.org:3128", [{"cidr": "192.168.0.0/16", "port": 3128}], False),
    ],
)
def test_a_proxy_takes_the_place_of_what_is_fetched(
    values: dict[str, Any], proxy: str, ways: list[Any], *, is_fault: bool
) -> None:
    found = faults(with_source(values, "https://10.0.0.5/model.onnx", buildProxy=proxy, buildEgress=ways))
    assert len(found) == is_fault
    for line in found:
        assert line.startswith(f'Pulumi.x.yaml: densenet-triton:cluster.buildProxy is "{proxy}')
        assert "accepted: a proxy's address; or its range" in line
        again = mended(values, line)
        assert again["densenet-triton:cluster"]["buildEgress"] == [*ways, {"cidr": "10.0.0.0/8", "port": 3128}]
        assert faults(again) == []


@pytest.mark.parametrize(
    ("proxy", "found"),
    [
        ("https://10.0.0.7:3128", 'is "https://10.0.0.7:3128"'),
        ("http://10.0.0.7", 'is "http://10.0.0.7"'),
        ("http://10.0.0.7:3128/path", 'is "http://10.0.0.7:3128/path"'),
        ("http://user:word@10.0.0.7:3128", "carries a user, which everybody who sees the build's Job would see"),
        ("http://10.0.0.7:port", "is no URL"),
    ],
)
def test_a_proxy_is_an_http_url_without_more(values: dict[str, Any], proxy: str, found: str) -> None:
    values["densenet-triton:cluster"]["buildProxy"] = proxy
    (line,) = faults(values)
    assert line.startswith(f"Pulumi.x.yaml: densenet-triton:cluster.buildProxy {found}; accepted: http://host:port,")


@pytest.mark.parametrize(
    ("changes", "ports"),
    [
        ({"source": {"kind": "package", "name": "efficientnet-lite0"}}, ()),
        ({"source": {"kind": "prebuilt", "path": "uploads/m", "sha256": SHA}}, ()),
        ({"source": {"kind": "onnx", "url": "https://example.org/m.onnx", "sha256": SHA}}, (443,)),
        ({"source": {"kind": "onnx", "url": "https://example.org:8443/m.onnx", "sha256": SHA}}, (8443,)),
        ({"expect": {"image": {"url": "https://example.org:444/mug.png", "sha256": SHA}, "class": 504}}, (444,)),
    ],
)
def test_the_build_needs_the_ports_of_what_it_fetches(
    values: dict[str, Any], changes: dict[str, Any], ports: tuple[int, ...]
) -> None:
    values["densenet-triton:model"] |= changes
    config = config_from_values(values, stack="x")
    assert (fetch_ports(config), build_ways(config)) == (ports, ())


def test_by_a_proxy_the_build_needs_its_address_alone(values: dict[str, Any]) -> None:
    own = {"cidr": "10.1.0.0/16", "port": 3128}
    cluster = with_source(values, "https://example.org/m.onnx", buildEgress=[own])["densenet-triton:cluster"]
    for proxy, ways in (
        ("http://10.0.0.7:3128", [own, {"cidr": "10.0.0.7/32", "port": 3128}]),
        ("http://[fd00::7]:3128", [own, {"cidr": "fd00::7/128", "port": 3128}]),
        ("http://proxy.example.org:3128", [own]),
    ):
        cluster["buildProxy"] = proxy
        config = config_from_values(values, stack="x")
        assert fetch_ports(config) == ()
        assert [way.model_dump() for way in build_ways(config)] == ways
