"""Exactly these NetworkPolicies: into Triton whom the configuration names, out of the build what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from infra.components.network_policies import NetworkPolicies, NetworkPoliciesArgs
from infra.config.peers import Admitted, Destination

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

OWN = {"key": "densenet-triton/plan", "operator": "Exists"}
DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
GATEWAY = Admitted.model_validate({"cidr": "10.210.0.254/32"})
INTERNAL_4 = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"]


def declared(declare: Declare, **changes: Any) -> Declared:
    values: dict[str, Any] = {
        "namespace": "triton-dev",
        "owns_namespace": True,
        "http_port": 8080,
        "admitted": [GATEWAY],
        "api_server": [Destination(cidr="10.210.0.1/32", port=6443)],
        "fetch_ports": [],
        "build_egress": [],
    }
    args = NetworkPoliciesArgs(**(values | changes))

    def made() -> pulumi.Output[str]:
        NetworkPolicies("network-policies", args)
        return pulumi.Output.from_input("")

    return declare(made)


def test_exactly_these_resources(declare: Declare) -> None:
    found = declared(declare)
    assert found.types() == {
        "densenet:infra:NetworkPolicies": 1,
        "kubernetes:networking.k8s.io/v1:NetworkPolicy": 4,
    }
    children = [each for each in found.resources if each.type.startswith("kubernetes:")]
    assert {each.name for each in children} == {
        f"network-policies-{part}" for part in ("triton", "build", "trial", "default-deny")
    }
    assert {each.parent for each in children} == {"network-policies"}


def test_nobody_enters_and_nothing_leaves_but_what_others_allow_before(declare: Declare) -> None:
    """Those alone are left out who make the way in: a Gateway's own proxies, and who answers an ACME challenge."""
    deny = declared(declare).named("network-policies-default-deny")
    labels = ("gateway.networking.k8s.io/gateway-name", "acme.cert-manager.io/http01-solver")
    others = [{"key": label, "operator": "DoesNotExist"} for label in labels]
    assert deny.inputs == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "triton-default-deny", "namespace": "triton-dev"},
        "spec": {"podSelector": {"matchExpressions": others}, "policyTypes": ["Ingress", "Egress"]},
    }
    assert deny.dependencies == ("network-policies-build", "network-policies-trial", "network-policies-triton")


def test_in_a_namespace_of_others_their_pods_are_left_alone(declare: Declare) -> None:
    found = declared(declare, owns_namespace=False)
    selectors = [each.inputs["spec"]["podSelector"] for each in found.resources if "spec" in each.inputs]
    assert all(selector["matchExpressions"] == [OWN] for selector in selectors)
    assert found.named("network-policies-default-deny").inputs["spec"]["podSelector"] == {"matchExpressions": [OWN]}


def test_into_triton_come_those_alone_who_are_admitted_and_nothing_leaves_it(declare: Declare) -> None:
    traefik = {"namespaceLabels": {"team": "gateways"}, "podLabels": {"app": "traefik"}}
    admitted = [
        GATEWAY,
        *map(Admitted.model_validate, (traefik, {"podLabels": {"a": "b"}}, {"namespaceLabels": {"c": "d"}})),
    ]
    triton = declared(declare, admitted=admitted, http_port=9000).named("network-policies-triton")
    assert triton.inputs["metadata"] == {"name": "triton-admitted", "namespace": "triton-dev"}
    assert triton.inputs["spec"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "triton"}, "matchExpressions": [OWN]},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [
                    {"ipBlock": {"cidr": "10.210.0.254/32"}},
                    {
                        "namespaceSelector": {"matchLabels": {"team": "gateways"}},
                        "podSelector": {"matchLabels": {"app": "traefik"}},
                    },
                    {"podSelector": {"matchLabels": {"a": "b"}}},
                    {"namespaceSelector": {"matchLabels": {"c": "d"}}},
                ],
                "ports": [{"port": 9000, "protocol": "TCP"}],
            }
        ],
    }


def test_what_keeps_a_trial_out_is_tritons_own_fence_and_not_the_trials(declare: Declare) -> None:
    triton = {"matchLabels": {"app.kubernetes.io/name": "triton"}, "matchExpressions": [OWN]}
    trial = declared(declare, http_port=9000).named("network-policies-trial")
    assert trial.inputs["metadata"] == {"name": "triton-trial", "namespace": "triton-dev"}
    assert trial.inputs["spec"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "enforcement-trial"}, "matchExpressions": [OWN]},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [{"to": [{"podSelector": triton}], "ports": [{"port": 9000, "protocol": "TCP"}]}],
    }


def test_a_build_that_fetches_nothing_reaches_dns_and_the_api_server(declare: Declare) -> None:
    build = declared(declare).named("network-policies-build")
    assert build.inputs["metadata"] == {"name": "triton-build", "namespace": "triton-dev"}
    assert build.inputs["spec"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "plan-build"}, "matchExpressions": [OWN]},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            DNS,
            {"to": [{"ipBlock": {"cidr": "10.210.0.1/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]},
        ],
    }


def test_an_api_server_of_unknown_address_is_found_by_its_usual_ports(declare: Declare) -> None:
    build = declared(declare, api_server=[]).named("network-policies-build")
    ports = [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]
    assert build.inputs["spec"]["egress"] == [DNS, {"ports": ports}]


def test_a_build_fetches_from_the_internet_and_from_no_internal_address_but_named_ones(declare: Declare) -> None:
    own = [Destination(cidr="10.0.0.7/32", port=3128)]
    build = declared(declare, fetch_ports=[443, 8443], build_egress=own).named("network-policies-build")
    _dns, _api_server, internet, named = build.inputs["spec"]["egress"]
    assert internet == {
        "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": INTERNAL_4}},
            {"ipBlock": {"cidr": "2000::/3"}},
        ],
        "ports": [{"port": 443, "protocol": "TCP"}, {"port": 8443, "protocol": "TCP"}],
    }
    assert named == {"to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}], "ports": [{"port": 3128, "protocol": "TCP"}]}


@pytest.mark.parametrize("metadata", ["169.254.169.254", "100.100.100.200"])
def test_a_clouds_metadata_is_kept_from_a_build_that_fetches(metadata: str) -> None:
    address = Destination(cidr=f"{metadata}/32", port=80)
    assert any(Destination(cidr=cidr, port=80).leads_to(address) for cidr in INTERNAL_4)
    assert not Destination(cidr="2000::/3", port=80).leads_to(Destination(cidr="fd00:ec2::254/128", port=80))
