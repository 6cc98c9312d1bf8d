"""Why a claim has no volume."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.waits.reasons.reason import RESYNCED_S, RETRIED_S, Reason, last_event

_NO_SUCH_CLASS = re.compile(r'storageclass\S* "[^"]*" not found', re.IGNORECASE)
_REASONS = ("ProvisioningFailed", "FailedBinding", "VolumeMismatch", "ExternalProvisioning")


def claim_reasons(objects: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]) -> Iterator[Reason]:
    """Say why each claim is not bound; one that only waits for its first pod has no reason.

    Args:
        objects: claims of one stack as the API gives them; others are passed over.
        events: of their namespace.
    """
    for claim in (each for each in objects if each["kind"] == "PersistentVolumeClaim"):
        name, phase = claim["metadata"]["name"], claim.get("status", {}).get("phase")
        if phase == "Lost":
            why = f"its volume {claim['spec'].get('volumeName')} is gone"
            yield _reason(name, why, "make the volume again, or name another storage", RESYNCED_S)
        elif phase == "Pending" and (said := last_event(events, "PersistentVolumeClaim", name, *_REASONS)):
            yield _reason(name, said, *_cure(claim, said))


def _reason(name: str, why: str, cure: str, patience_s: float | None) -> Reason:
    where = f"PersistentVolumeClaim {name}"
    return Reason(part="storage", where=where, kind="claim", why=why, cure=cure, patience_s=patience_s)


def _cure(claim: Mapping[str, Any], said: str) -> tuple[str, float | None]:
    name, namespace = claim["metadata"]["name"], claim["metadata"].get("namespace")
    described = f"kubectl describe persistentvolumeclaim {name} --namespace={namespace}"
    if _NO_SUCH_CLASS.search(said):
        return "set storage.storageClass to one that is there: kubectl get storageclass", RESYNCED_S
    if "no storage class is set" in said:
        cure = (
            "set storage.storageClass to one that is there (kubectl get storageclass), or storage.volume to a free one"
        )
        return cure, RESYNCED_S
    if said.lower().startswith("waiting for a volume to be created"):
        return f"its provisioner has not answered yet; is it running? {described}", None
    if "Cannot bind to requested volume" in said or "already bound to a different claim" in said:
        return f"name another volume, or free this one: {described}", RESYNCED_S
    return described, RETRIED_S
