"""What others do to a stack is seen and put back, or named; what Kubernetes refuses is said with its own reason."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from bench.workspace import Workspace
from local_cluster.layout import layout_from_name
from tests.e2e.test_01_up import plain_pulumi
from tests.e2e.test_03_faults import failed_up

STACK = "drifted"
NAMESPACE = f"triton-{STACK}"
OTHERS = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "triton"}, "spec": {"replicas": 2}}

EVERYBODY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "theirs"},
    "spec": {"podSelector": {}, "ingress": [{}]},
}


@pytest.fixture(scope="module", autouse=True)
def _stack(workspace: Workspace) -> Iterator[None]:
    workspace.write_stack(STACK)
    completed_up(workspace)
    yield
    workspace.write_stack(STACK)
    assert workspace.make("destroy", f"STACK={STACK}").returncode == 0


def completed_up(workspace: Workspace, *variables: str) -> str:
    """Deploy, with success: the URL answers rightly; return what stands on standard error."""
    result = workspace.make("up", f"STACK={STACK}", *variables)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stderr


def kubectl(workspace: Workspace, *arguments: str, given: object = None) -> str:
    """Do something to the stack behind Pulumi's back."""
    kubeconfig = layout_from_name(workspace.cluster).kubeconfig
    command = ["kubectl", f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}", *arguments]
    text = None if given is None else json.dumps(given)
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout


def plan(workspace: Workspace) -> str:
    return f"plan-{plain_pulumi(workspace, STACK, 'stack output planId').strip()}"


def test_what_was_scaled_edited_and_deleted_is_put_back(workspace: Workspace) -> None:
    """The plan's report too, without its Job, which would want a GPU elsewhere. Of a policy that somebody has added,
    and that lets in everybody, a trial tells."""
    name = plan(workspace)
    proof = kubectl(
        workspace, "get", "deployment/triton", "--output=jsonpath={..volumes[?(@.name=='proof')].configMap.name}"
    )
    kubectl(workspace, "scale", "deployment/triton", "--replicas=0")
    kubectl(workspace, "delete", f"job/{name}", f"configmap/{name}", f"configmap/{proof}")
    port = [{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]
    kubectl(workspace, "patch", "service/triton", "--type=json", f"--patch={json.dumps(port)}")

    kubectl(workspace, "delete", "networkpolicy/triton-default-deny")
    kubectl(workspace, "apply", "-f-", given=EVERYBODY)

    said = completed_up(workspace)

    assert "NetworkPolicy triton-default-deny: it is gone; it is put back" in said
    assert "NetworkPolicies keep nobody out: a pod that endpoint.admit does not name has entered Triton at 10." in said
    assert "Deployment triton: spec.replicas is 0, and 1 is declared; it is put back" in said
    assert "Service triton: spec.ports[http].port is 81, and 8080 is declared; it is put back" in said
    assert f"ConfigMap {proof}: it is gone; it is put back" in said
    assert f"ConfigMap {name}: the plan's report is gone; it is written again" in said
    assert kubectl(workspace, "get", "jobs", "--output=name") == ""
    kubectl(workspace, "delete", "networkpolicy/theirs")
    said = completed_up(workspace)
    assert "put back" not in said
    assert "NetworkPolicies" not in said


def test_a_deleted_namespace_is_made_again_with_all_that_was_in_it(workspace: Workspace) -> None:
    kubectl(workspace, "delete", f"namespace/{NAMESPACE}", "--wait=false")

    assert f"Namespace {NAMESPACE} is gone; all that was in it is put back" in completed_up(workspace)


def test_a_field_that_another_manager_holds_is_named_with_its_cure(workspace: Workspace) -> None:
    kubectl(workspace, "apply", "--server-side", "--force-conflicts", "--field-manager=other", "-f-", given=OTHERS)

    last = failed_up(workspace, STACK).partition("\nerror: ")[2]

    assert last.startswith(f"Deployment {NAMESPACE}/triton: .spec.replicas is held by field manager 'other'")
    assert "PULUMI_K8S_ENABLE_PATCH_FORCE=true" in last
    completed_up(workspace, "PULUMI_K8S_ENABLE_PATCH_FORCE=true")
    assert "put back" not in completed_up(workspace)


def test_a_quota_that_refuses_the_pods_is_the_error(workspace: Workspace) -> None:
    """And once it is mended, nothing waits for Kubernetes' next try."""
    kubectl(workspace, "create", "quota", "theirs", "--hard=limits.cpu=8,limits.memory=16Gi")
    kubectl(workspace, "delete", "deployment/triton")

    stderr = failed_up(workspace, STACK)

    assert "failed quota: theirs: must specify limits.cpu for: triton,verify" in stderr.partition("\nerror: ")[2]
    assert "set serving.resources.cpuLimit" in stderr
    kubectl(workspace, "delete", "quota/theirs")
    completed_up(workspace)


def test_a_pull_secret_that_is_missing_is_the_error_and_what_serves_still_does(workspace: Workspace) -> None:
    workspace.write_stack(STACK, serving={"image": "localhost/nothing:here", "imagePullSecrets": ["registry"]})

    error = failed_up(workspace, STACK).partition("\nerror: ")[2]

    assert f"image pull secret registry is not in namespace {NAMESPACE}" in error
    assert f"kubectl create secret docker-registry registry --namespace={NAMESPACE}" in error
    workspace.write_stack(STACK)
    completed_up(workspace)


def test_a_storage_class_that_is_not_there_is_said_before_anything_changes(workspace: Workspace) -> None:
    workspace.write_stack("unbound", storage={"kind": "claim", "sizeGib": 1, "storageClass": "fast"})

    assert "storage.storageClass: there is no storage class 'fast'; accepted: " in failed_up(workspace, "unbound")
    assert not kubectl(workspace, "get", "namespace/triton-unbound", "--ignore-not-found")
