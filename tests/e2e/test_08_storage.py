"""A namespace and a claim of others, a claim that grows, one that outlives its stack, and a stack that is renamed."""

import json
import re
from typing import Any

import pytest

from bench.workspace import Workspace
from deploy.smoke import TRITON_PODS
from local_cluster.layout import layout_from_name
from tests.cluster.driver import ClusterDriver
from tests.e2e.test_01_up import plain_pulumi

pytestmark = pytest.mark.long

STACK, RENAMED = "kept", "renamed"
NAMESPACE = f"triton-{STACK}"
CLASS = "growing"
OWN: dict[str, Any] = {"kind": "claim", "storageClass": CLASS, "sizeGib": 1}


@pytest.fixture(scope="module")
def cluster(workspace: Workspace) -> ClusterDriver:
    """The workspace's cluster, with volumes on its storage, of a class that lets claims grow and is not the default."""
    assert workspace.make("up", "STACK=first").returncode == 0
    driver = ClusterDriver(workspace.cluster)
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS},
        "provisioner": "kubernetes.io/no-provisioner",
        "allowVolumeExpansion": True,
    }
    driver.apply(storage_class, *(volume(workspace, f"volume-{number}") for number in (1, 2, 3)))
    return driver


def volume(workspace: Workspace, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "capacity": {"storage": "100Gi"},
            "hostPath": {"path": str(layout_from_name(workspace.cluster).storage), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
        },
    }


def write(workspace: Workspace, storage: dict[str, Any] | None = None, **cluster: Any) -> None:
    """Write the stack's file; without a storage its own is the folder that every stack has."""
    changes = {} if storage is None else {"storage": storage}
    workspace.write_stack(STACK, cluster=cluster, **changes)


def up(workspace: Workspace, stack: str = STACK) -> str:
    """Deploy with success and return what was said."""
    result = workspace.make("up", f"STACK={stack}")
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def refusal(workspace: Workspace) -> str:
    """Deploy in vain, with nothing changed, and return the reason."""
    result = workspace.make("up", f"STACK={STACK}")
    assert result.returncode != 0
    assert "Updating" not in result.stdout
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    return line


def claims(cluster: ClusterDriver) -> dict[str, dict[str, Any]]:
    """The namespace's claims by their names."""
    items = json.loads(cluster.kubectl("get", "pvc", f"--namespace={NAMESPACE}", "--output=json"))["items"]
    return {item["metadata"]["name"]: item for item in items}


def resources(cluster: ClusterDriver) -> str:
    return cluster.kubectl("get", "deploy,svc,job,configmap", f"--namespace={NAMESPACE}", "--output=name")


def triton_pods(cluster: ClusterDriver) -> str:
    """The uids of the pods that serve."""
    selection = (f"--namespace={NAMESPACE}", f"--selector={TRITON_PODS}")
    return cluster.kubectl("get", "pods", *selection, "--output=jsonpath={.items[*].metadata.uid}")


def test_what_can_not_work_is_said_before_anything_changes(workspace: Workspace, cluster: ClusterDriver) -> None:
    write(workspace, {"kind": "claim"})
    assert f"the cluster has no default one; accepted: storageClass ({CLASS}), volume or claim" in refusal(workspace)
    write(workspace, OWN, createNamespace=False)
    assert refusal(workspace).endswith(f"kubectl --context={workspace.cluster} create namespace {NAMESPACE}")
    assert not cluster.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found")


def test_a_namespace_and_a_claim_of_others_are_used_and_left_as_they_are(
    workspace: Workspace, cluster: ClusterDriver
) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline", "team": "a"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    theirs = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "theirs", "namespace": NAMESPACE},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": CLASS,
        },
    }
    cluster.apply(namespace)
    write(workspace)
    assert "was not made by stack kept; accepted: " in refusal(workspace)
    write(workspace, {"kind": "claim", "claim": "theirs"}, createNamespace=False)
    assert "claim 'theirs' is not in namespace triton-kept; accepted: " in refusal(workspace)
    cluster.apply(theirs)
    before = json.loads(cluster.kubectl("get", "namespace", NAMESPACE, "--output=json"))["metadata"]

    up(workspace)
    assert list(claims(cluster)) == ["theirs"]
    assert workspace.make("destroy", f"STACK={STACK}").returncode == 0

    after = json.loads(cluster.kubectl("get", "namespace", NAMESPACE, "--output=json"))["metadata"]
    assert (after["uid"], after["labels"], after.get("annotations")) == (
        *(before["uid"], before["labels"]),
        before.get("annotations"),
    )
    assert list(claims(cluster)) == ["theirs"]
    assert resources(cluster).split() == ["configmap/kube-root-ca.crt"]
    cluster.kubectl("delete", "namespace", NAMESPACE)


def test_a_claim_grows_and_is_the_same_claim(workspace: Workspace, cluster: ClusterDriver) -> None:
    write(workspace, OWN)
    up(workspace)
    (name, small), *none = claims(cluster).items()

    write(workspace, {**OWN, "sizeGib": 3})
    said = up(workspace)

    (grown,) = claims(cluster).values()
    assert (grown["metadata"]["uid"], none) == (small["metadata"]["uid"], [])
    assert grown["spec"]["resources"]["requests"] == {"storage": "3Gi"}
    assert "replaced" not in said
    write(workspace, OWN)
    assert f"storage.sizeGib is 1, and claim {name} has 3Gi: a claim never shrinks" in refusal(workspace)


def test_the_way_back_to_another_storage_finds_its_claim(workspace: Workspace, cluster: ClusterDriver) -> None:
    ((name, before),) = claims(cluster).items()
    write(workspace)
    up(workspace)
    assert set(claims(cluster)) > {name}
    write(workspace, {**OWN, "sizeGib": 3})
    up(workspace)
    ((again, after),) = claims(cluster).items()
    assert (again, after["metadata"]["uid"]) == (name, before["metadata"]["uid"])
    write(workspace, {**OWN, "sizeGib": 4})
    up(workspace)
    assert claims(cluster)[name]["spec"]["resources"]["requests"] == {"storage": "4Gi"}


def test_a_renamed_stack_goes_on_with_the_same_resources(workspace: Workspace, cluster: ClusterDriver) -> None:
    before = set(cluster.kubectl("get", "deploy,svc,pvc,ns", f"--namespace={NAMESPACE}", "--output=name").split())
    pods = triton_pods(cluster)
    plain_pulumi(workspace, STACK, f"stack rename {RENAMED}")

    up(workspace, RENAMED)

    annotation = r"jsonpath={.metadata.annotations.densenet-triton/stack}"
    assert cluster.kubectl("get", "namespace", NAMESPACE, f"--output={annotation}") == RENAMED
    kinds = ("get", "deploy,svc,pvc,ns", f"--namespace={NAMESPACE}", "--output=name")
    assert set(cluster.kubectl(*kinds).split()) == before
    assert triton_pods(cluster) == pods
    write(workspace, {**OWN, "sizeGib": 4})
    assert f"belongs to stack {RENAMED}; accepted: " in refusal(workspace)


def test_what_leads_to_data_outlives_the_stack_and_is_named(workspace: Workspace, cluster: ClusterDriver) -> None:
    ((name, before),) = claims(cluster).items()
    result = workspace.make("destroy", f"STACK={RENAMED}")
    assert result.returncode == 0, result.stdout + result.stderr
    said = re.search(r"left, with its data: namespace (\S+) with claim (\S+); .*: (kubectl .*)", result.stdout)
    assert said is not None
    assert said.groups()[:2] == (NAMESPACE, name)
    assert resources(cluster).split() == ["configmap/kube-root-ca.crt"]
    assert workspace.make("url", f"STACK={RENAMED}").returncode != 0

    assert "replaced" not in up(workspace, RENAMED)
    assert claims(cluster)[name]["metadata"]["uid"] == before["metadata"]["uid"]
    assert workspace.make("destroy", f"STACK={RENAMED}").returncode == 0
    cluster.kubectl(*said[3].split()[1:])
    up(workspace, RENAMED)
    assert workspace.make("destroy", f"STACK={RENAMED}").returncode == 0
    cluster.kubectl("delete", "namespace", NAMESPACE)


def test_a_volume_alone_is_bound_although_there_is_a_default_class(
    workspace: Workspace, cluster: ClusterDriver
) -> None:
    default = "storageclass.kubernetes.io/is-default-class"
    alone = volume(workspace, "alone")
    alone["spec"]["storageClassName"] = ""
    cluster.apply(alone)
    cluster.kubectl("annotate", "storageclass", CLASS, f"{default}=true")
    write(workspace, {"kind": "claim", "volume": "alone", "sizeGib": 1})

    up(workspace)

    ((_, claim),) = claims(cluster).items()
    assert (claim["status"]["phase"], claim["spec"]["volumeName"]) == ("Bound", "alone")
    cluster.kubectl("annotate", "storageclass", CLASS, f"{default}-")
    assert workspace.make("destroy", f"STACK={STACK}").returncode == 0
    cluster.kubectl("delete", "namespace", NAMESPACE)


def test_the_state_holds_no_path_of_this_machine(workspace: Workspace) -> None:
    """But for where Pulumi itself notes that each resource stands in the program."""
    resources = json.loads(plain_pulumi(workspace, "first", "stack export"))["deployment"]["resources"]
    held = [{**each, "sourcePosition": "", "stackTrace": []} for each in resources]
    text = json.dumps(held).replace(str(layout_from_name(workspace.cluster).storage), "")
    assert str(layout_from_name(workspace.cluster).state) not in text
    assert str(workspace.folder) not in text
