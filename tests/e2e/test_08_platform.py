"""A platform that asks for things: a namespace and a Gateway of others, a quota on CPU limits, labels on pods."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from bench.workspace import Workspace
from local_cluster.layout import layout_from_name

pytestmark = pytest.mark.long

STACK, NAMESPACE = "platform", "triton-platform"
LIMITED = {"cpu": "100m", "cpuLimit": "2", "memory": "512Mi", "memoryLimit": "3Gi"}
SERVING: dict[str, Any] = {
    "extraArguments": ["--log-verbose=1"],
    "environment": {"OMP_WAIT_POLICY": "PASSIVE"},
    "labels": {"team": "vision"},
    "annotations": {"example.org/note": "of a platform: ☕"},
    "priorityClass": "vision",
    "sharedMemoryMib": 64,
    "resources": LIMITED,
}


def kubectl(workspace: Workspace, *arguments: str, given: object = None) -> str:
    """What an administrator's kubectl prints."""
    kubeconfig = layout_from_name(workspace.cluster).kubeconfig
    result = subprocess.run(
        ["kubectl", f"--kubeconfig={kubeconfig}", *arguments],
        input=None if given is None else json.dumps(given), env={**os.environ, **workspace.environment},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return result.stdout


def listener(workspace: Workspace, name: str, namespaces: str) -> dict[str, Any]:
    port = layout_from_name(workspace.cluster).gateway_port
    return {
        "name": name,
        "protocol": "HTTP",
        "port": port,
        "hostname": f"{name}.example",
        "allowedRoutes": {"namespaces": {"from": namespaces}},
    }


def objects(workspace: Workspace) -> list[dict[str, Any]]:
    """What the administrators have made, outermost first."""
    open_to_all = listener(workspace, "web", "All")
    del open_to_all["hostname"]
    listeners = [open_to_all, listener(workspace, "closed", "Same")]
    quota = {"hard": {"limits.cpu": "20", "limits.memory": "40Gi"}}
    return [
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("gateways", NAMESPACE)),
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": "vision"},
            "value": 1000,
        },
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "limits", "namespace": NAMESPACE},
            "spec": quota,
        },
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": "public", "namespace": "gateways"},
            "spec": {"gatewayClassName": "traefik", "listeners": listeners},
        },
    ]


@pytest.fixture(scope="module", autouse=True)
def _platform(with_first: Workspace) -> Iterator[None]:
    made = {"apiVersion": "v1", "kind": "List", "items": objects(with_first)}
    kubectl(with_first, "apply", "--filename=-", given=made)
    kubectl(with_first, "wait", "gateway/public", "--namespace=gateways", "--for=condition=Programmed", "--timeout=60s")
    yield
    with_first.make("destroy", f"STACK={STACK}")
    kubectl(with_first, "delete", "--wait=false", "--filename=-", given=made)


def written(workspace: Workspace, *, section: str = "web", **changes: dict[str, Any]) -> None:
    """Write the stack with every key that a platform asks for, and some changed."""
    workspace.write_stack(
        STACK,
        cluster={"createNamespace": False},
        model={"buildResources": LIMITED},
        serving=SERVING | changes.pop("serving", {}),
        **changes,
    )
    file = workspace.folder / f"Pulumi.{STACK}.yaml"
    document = yaml.safe_load(file.read_text())
    gateway = {"name": "public", "namespace": "gateways", "section": section}
    admit = document["config"]["densenet-triton:endpoint"]["admit"]
    document["config"]["densenet-triton:endpoint"] = {
        "gateway": gateway,
        "admit": admit,
        "limits": {"bodyBytes": 16777216},
    }
    file.write_text(yaml.safe_dump(document))


def up(workspace: Workspace) -> str:
    result = workspace.make("up", f"STACK={STACK}")
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def job(workspace: Workspace) -> str:
    return kubectl(workspace, "get", "job", f"--namespace={NAMESPACE}", "--output=jsonpath={.items[*].metadata.uid}")


def test_a_stack_is_served_under_everything_that_the_platform_asks(workspace: Workspace) -> None:
    written(workspace)

    up(workspace)

    url = workspace.make("url", f"STACK={STACK}").stdout.strip()
    assert url.endswith(f":{layout_from_name(workspace.cluster).gateway_port}/{NAMESPACE}")
    for kind in ("deployment", "job"):
        found = json.loads(kubectl(workspace, "get", kind, f"--namespace={NAMESPACE}", "--output=json"))["items"]
        template = found[0]["spec"]["template"]
        assert template["metadata"]["labels"]["team"] == "vision"
        assert template["metadata"]["annotations"]["example.org/note"] == "of a platform: ☕"
        assert template["spec"]["priorityClassName"] == "vision"


def test_what_does_not_change_the_plan_replaces_no_job(workspace: Workspace) -> None:
    before = job(workspace)
    tolerations = [{"key": "example.org/dedicated", "operator": "Exists"}]
    written(workspace, serving={"imagePullSecrets": ["registry"]}, nodePool={"tolerations": tolerations})

    up(workspace)

    assert before
    assert job(workspace) == before


def test_a_deleted_job_of_a_published_plan_is_not_run_again(workspace: Workspace) -> None:
    kubectl(workspace, "delete", "job", "--all", f"--namespace={NAMESPACE}")

    up(workspace)

    assert not job(workspace)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("https", "Gateway gateways/public has no listener https; accepted: web (HTTP "),
        ("closed", "listener closed of Gateway gateways/public takes no routes of namespace triton-platform"),
    ],
)
def test_a_listener_that_is_not_ours_is_one_line_and_the_route_stays(
    workspace: Workspace, section: str, said: str
) -> None:
    written(workspace, section=section)

    result = workspace.make("up", f"STACK={STACK}")

    assert result.returncode != 0
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    route = json.loads(kubectl(workspace, "get", "httproute", "triton", f"--namespace={NAMESPACE}", "--output=json"))
    assert [ref["sectionName"] for ref in route["spec"]["parentRefs"]] == ["web"]


def test_nothing_of_the_platforms_goes_with_the_stack(workspace: Workspace) -> None:
    result = workspace.make("destroy", f"STACK={STACK}")

    assert result.returncode == 0, result.stdout + result.stderr
    assert "public" in kubectl(workspace, "get", "gateway", "--namespace=gateways", "--output=name")
    assert kubectl(workspace, "get", "namespace", NAMESPACE, "--output=name").strip() == f"namespace/{NAMESPACE}"
