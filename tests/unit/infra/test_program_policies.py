"""What stands around the committed stacks' pods: who enters, and where the build goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.infra.test_program import declared_dev

if TYPE_CHECKING:
    from tests.unit.infra.conftest import Declared
    from tests.unit.infra.test_program import Declare


def policies(declared: Declared) -> list[Any]:
    return [each for each in declared.resources if each.type.endswith(":NetworkPolicy")]


def test_policies_are_there_before_what_they_stand_around(declare: Declare, dev_values: dict[str, Any]) -> None:
    declared = declared_dev(declare, dev_values)
    names = {each.name for each in policies(declared)}
    for workload in (declared.of_plan("job"), declared.named("triton-deployment")):
        assert names <= set(workload.dependencies)


def test_the_embedded_gateway_alone_enters_and_the_build_finds_its_api_server(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    declared = declared_dev(declare, dev_values)
    (rule,) = declared.named("network-policies-triton").inputs["spec"]["ingress"]
    assert rule["from"] == [{"ipBlock": {"cidr": "10.210.0.254/32"}}]
    _dns, api_server = declared.named("network-policies-build").inputs["spec"]["egress"]
    assert api_server["to"] == [{"ipBlock": {"cidr": "10.210.0.1/32"}}]


def test_policies_are_none_where_the_key_says_so(declare: Declare, dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:cluster"]["networkPolicies"] = False
    declared = declared_dev(declare, dev_values)
    assert policies(declared) == []
    assert "densenet:infra:NetworkPolicies" not in declared.types()
    assert declared.named("triton-deployment").dependencies


def test_in_a_namespace_that_others_made_policies_select_the_stacks_pods_alone(
    declare: Declare, dev_values: dict[str, Any]
) -> None:
    dev_values["densenet-triton:cluster"]["createNamespace"] = False
    declared = declared_dev(declare, dev_values)
    own = {"key": "densenet-triton/plan", "operator": "Exists"}
    assert [each.inputs["spec"]["podSelector"]["matchExpressions"] for each in policies(declared)] == [[own]] * 4
    for workload in (declared.of_plan("job"), declared.named("triton-deployment")):
        labels = workload.inputs["spec"]["template"]["metadata"]["labels"]
        assert labels["densenet-triton/plan"] == declared.result["planId"]


def test_traefiks_pods_enter_on_a_gpu_cluster_and_the_build_fetches_from_the_internet(
    declare: Declare, h800_values: dict[str, Any]
) -> None:
    declared = declared_dev(declare, h800_values)
    (rule,) = declared.named("network-policies-triton").inputs["spec"]["ingress"]
    assert rule["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "traefik"}},
        }
    ]
    internet = declared.named("network-policies-build").inputs["spec"]["egress"][2]
    assert internet["ports"] == [{"port": 443, "protocol": "TCP"}]


def test_the_build_is_told_of_its_proxy(declare: Declare, h800_values: dict[str, Any]) -> None:
    h800_values["densenet-triton:cluster"]["buildProxy"] = "http://192.0.2.7:3128"
    declared = declared_dev(declare, h800_values)
    (container,) = declared.of_plan("job").inputs["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [
        {"name": "HTTPS_PROXY", "value": "http://192.0.2.7:3128"},
        {"name": "NO_PROXY", "value": "$(KUBERNETES_SERVICE_HOST)"},
    ]
    proxy = {
        "to": [{"ipBlock": {"cidr": "192.0.2.7/32"}}],
        "ports": [{"port": 3128, "protocol": "TCP"}],
    }
    assert declared.named("network-policies-build").inputs["spec"]["egress"][2:] == [proxy]
