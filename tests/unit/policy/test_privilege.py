"""What restricted pod security forbids."""

from __future__ import annotations

from typing import Any

import pytest

from policy.privilege import privilege_violations
from tests.unit.policy.objects import deployment, job, resource, workload

RIGHT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def found(**container: Any) -> list[str]:
    return [violation.found for violation in privilege_violations(deployment(**container))]


def found_in_pod(**spec: Any) -> list[str]:
    return [violation.found for violation in privilege_violations(workload(lambda pod: pod.update(spec)))]


def test_what_the_components_declare_passes() -> None:
    assert found() == []
    assert list(privilege_violations(job())) == []
    assert list(privilege_violations(resource("v1:Service", {"type": "ClusterIP"}))) == []


@pytest.mark.parametrize(
    ("security", "what"),
    [
        ({**RIGHT, "privileged": True}, "privileged is true"),
        ({"capabilities": {"drop": ["ALL"]}}, "allowPrivilegeEscalation is not false"),
        ({**RIGHT, "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}, "capabilities SYS_ADMIN are added"),
        ({"allowPrivilegeEscalation": False}, "keeps the runtime's capabilities"),
        ({**RIGHT, "runAsNonRoot": False}, "may run as root"),
        ({**RIGHT, "runAsUser": 0}, "may run as root"),
        ({**RIGHT, "seccompProfile": {"type": "Unconfined"}}, "has no seccomp profile"),
        ({**RIGHT, "appArmorProfile": {"type": "Unconfined"}}, "has no AppArmor profile"),
    ],
)
def test_each_privilege_of_a_container_is_refused(security: dict[str, Any], what: str) -> None:
    assert found(securityContext=security) == [what]


def test_a_port_of_the_node_is_refused() -> None:
    assert found(ports=[{"containerPort": 8080, "hostPort": 80}]) == ["port 80 of the node is taken"]


@pytest.mark.parametrize("key", ["hostNetwork", "hostPID", "hostIPC"])
def test_a_namespace_of_the_node_is_refused(key: str) -> None:
    assert found_in_pod(**{key: True}) == [f"{key} is True"]


def test_a_folder_of_the_node_is_refused() -> None:
    assert found_in_pod(volumes=[{"name": "etc", "hostPath": {"path": "/etc"}}]) == [
        "volume etc is a folder of the node"
    ]


def test_a_pod_without_a_security_context_is_refused() -> None:
    assert found_in_pod(securityContext={}) == ["may run as root", "has no seccomp profile"]


@pytest.mark.parametrize(("profile", "violations"), [("unconfined", 1), ("runtime/default", 0)])
def test_an_annotation_takes_no_profile_away(profile: str, violations: int) -> None:
    """Kubernetes reads it to this day, and `serving.annotations` may have it."""
    right = deployment()
    annotations = {"container.apparmor.security.beta.kubernetes.io/triton": profile, "team": "vision"}
    right.props["spec"]["template"]["metadata"] = {"annotations": annotations}

    assert len(list(privilege_violations(right))) == violations
