"""Every kind of storage becomes a claim; a folder and an export get a retained volume of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.components.storage_mount import StorageMount, StorageMountArgs
from infra.config.storages import ClaimStorage, HostPathStorage, NfsStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.infra.conftest import Declared

    Declare = Callable[[Callable[[], Any]], Declared]

HOST_PATH = HostPathStorage(kind="hostPath", path="/srv/models", node="node-1")
NFS = NfsStorage(kind="nfs", server="nfs.example.org", path="/exports/models", mountOptions=("nfsvers=4.1",))
CLAIM = ClaimStorage(kind="claim", storageClass="efs", sizeGib=30)


def mounted(declare: Declare, storage: Any) -> Declared:
    args = StorageMountArgs(namespace="triton-dev", volume_prefix="triton-dev", stack="dev", storage=storage)
    return declare(lambda: StorageMount("storage", args).claim_name)


def test_host_path_volume_is_retained_and_pinned_to_its_node(declare: Declare) -> None:
    declared = mounted(declare, HOST_PATH)
    claim_name = declared.result
    assert declared.named("storage-volume").inputs == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"triton-dev-{claim_name}"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": claim_name,
                "namespace": "triton-dev",
            },
            "hostPath": {"path": "/srv/models", "type": "Directory"},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1"]}
                            ]
                        }
                    ]
                }
            },
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "volumeMode": "Filesystem",
        },
    }


def test_claim_is_bound_to_the_volume_of_its_own(declare: Declare) -> None:
    declared = mounted(declare, HOST_PATH)
    assert declared.named("storage-claim").inputs == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": declared.result, "namespace": "triton-dev"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": "",
            "volumeName": f"triton-dev-{declared.result}",
        },
    }


def test_nfs_volume_is_read_write_many(declare: Declare) -> None:
    declared = mounted(declare, NFS)
    spec = declared.named("storage-volume").inputs["spec"]
    assert spec["nfs"] == {"server": "nfs.example.org", "path": "/exports/models"}
    assert spec["mountOptions"] == ["nfsvers=4.1"]
    assert spec["persistentVolumeReclaimPolicy"] == "Retain"
    assert spec["accessModes"] == declared.named("storage-claim").inputs["spec"]["accessModes"] == ["ReadWriteMany"]
    assert "nodeAffinity" not in spec
    assert "hostPath" not in spec


def test_claim_from_a_storage_class_has_no_volume_of_ours(declare: Declare) -> None:
    declared = mounted(declare, CLAIM)
    assert declared.types() == {
        "densenet:infra:StorageMount": 1,
        "kubernetes:core/v1:PersistentVolumeClaim": 1,
    }
    assert declared.named("storage-claim").inputs == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": declared.result,
            "namespace": "triton-dev",
            "annotations": {
                "densenet-triton/stack": "dev",
                "pulumi.com/patchForce": "true",
                "pulumi.com/skipAwait": "true",
            },
        },
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "30Gi"}},
            "storageClassName": "efs",
        },
    }


def test_claim_that_leads_to_data_is_never_removed(declare: Declare) -> None:
    assert mounted(declare, CLAIM).named("storage-claim").retained
    assert not mounted(declare, HOST_PATH).named("storage-claim").retained
    assert not mounted(declare, HOST_PATH).named("storage-volume").retained


def test_claim_that_grows_is_the_same_claim(declare: Declare) -> None:
    small, large = mounted(declare, CLAIM), mounted(declare, CLAIM.model_copy(update={"size_gib": 300}))
    assert small.result == large.result
    assert large.named("storage-claim").inputs["spec"]["resources"] == {"requests": {"storage": "300Gi"}}


def test_claim_binds_a_volume_that_is_named(declare: Declare) -> None:
    claim = mounted(declare, CLAIM.model_copy(update={"volume": "models"})).named("storage-claim")
    assert claim.inputs["spec"]["volumeName"] == "models"
    assert claim.inputs["spec"]["storageClassName"] == "efs"
    assert claim.ignored == ()


def test_volume_alone_is_bound_whatever_the_default_class_is(declare: Declare) -> None:
    alone = ClaimStorage(kind="claim", volume="models")
    claim = mounted(declare, alone).named("storage-claim")
    assert (claim.inputs["spec"]["volumeName"], claim.inputs["spec"]["storageClassName"]) == ("models", "")
    assert claim.ignored == ("spec.storageClassName",)


def test_claim_that_exists_is_used_and_nothing_is_declared(declare: Declare) -> None:
    declared = mounted(declare, ClaimStorage(kind="claim", claim="theirs"))
    assert declared.result == "theirs"
    assert declared.types() == {"densenet:infra:StorageMount": 1}


def test_another_storage_is_another_claim(declare: Declare) -> None:
    first = mounted(declare, HOST_PATH).result
    assert mounted(declare, HOST_PATH).result == first
    assert mounted(declare, HOST_PATH.model_copy(update={"path": "/srv/other"})).result != first


def test_children_belong_to_the_component(declare: Declare) -> None:
    declared = mounted(declare, HOST_PATH)
    assert {found.parent for found in declared.resources if found.type.startswith("kubernetes:")} == {"storage"}
