import pytest

from deploy.waits.reasons.claims import claim_reasons
from deploy.waits.reasons.reason import RESYNCED_S, RETRIED_S
from tests.unit.deploy.waits.reasons.recorded import event, thing

PENDING = thing("PersistentVolumeClaim", "models", {"phase": "Pending"})


@pytest.mark.parametrize(
    ("reason", "message", "patience_s", "cure"),
    [
        (
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
            *(RESYNCED_S, "set storage.storageClass to one that is there (kubectl get storageclass)"),
        ),
        (
            "ProvisioningFailed",
            'storageclass.storage.k8s.io "fast" not found',
            *(RESYNCED_S, "set storage.storageClass to one that is there"),
        ),
        ("ProvisioningFailed", "rpc error: quota of disks", RETRIED_S, "kubectl describe persistentvolumeclaim models"),
        ("FailedBinding", 'volume "v" already bound to a different claim.', RESYNCED_S, "name another volume"),
        (
            "ExternalProvisioning",
            "Waiting for a volume to be created either by the external provisioner 'x' or manually",
            *(None, "is it running?"),
        ),
    ],
)
def test_a_claim_that_is_not_bound_says_why(reason: str, message: str, patience_s: float | None, cure: str) -> None:
    found = list(claim_reasons([PENDING], [event("PersistentVolumeClaim", "models", reason, message)]))

    assert [(each.where, each.why, each.patience_s) for each in found] == [
        ("PersistentVolumeClaim models", message, patience_s)
    ]
    assert cure in found[0].cure


def test_a_claim_that_waits_for_its_first_pod_is_no_fault() -> None:
    waits = event("PersistentVolumeClaim", "models", "WaitForFirstConsumer", "waiting for first consumer")

    assert list(claim_reasons([PENDING], [waits])) == []


def test_a_claim_that_is_bound_is_not_asked_about_its_past() -> None:
    bound = thing("PersistentVolumeClaim", "models", {"phase": "Bound"})

    assert list(claim_reasons([bound], [event("PersistentVolumeClaim", "models", "FailedBinding", "no")])) == []


def test_a_lost_volume_is_named() -> None:
    lost = thing("PersistentVolumeClaim", "models", {"phase": "Lost"}, spec={"volumeName": "v"})

    assert [each.why for each in claim_reasons([lost], [])] == ["its volume v is gone"]
