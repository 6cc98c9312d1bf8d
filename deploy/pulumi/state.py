"""What Pulumi's state says of a stack's objects, read from what it exports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NAMESPACE = "kubernetes:core/v1:Namespace::namespace"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim::storage-claim"
SERVICE = "kubernetes:core/v1:Service::triton-service"
VOLUME = "kubernetes:core/v1:PersistentVolume::storage-volume"

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 - the key by which Pulumi marks a special value in a state
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - what stands there for a secret


@dataclass(frozen=True, kw_only=True)
class Resource:
    """An object that the stack declares.

    Attributes:
        urn: its name in Pulumi.
        name: its name in the cluster.
        uid: of the very object, which no other ever has.
        inputs: as it was last declared.
        is_retained: whether Pulumi forgets it instead of removing it.
    """

    urn: str
    name: str
    uid: str
    inputs: Mapping[str, Any]
    is_retained: bool


def resource_in(state: Mapping[str, Any] | None, kind_and_name: str) -> Resource | None:
    """Find an object in an exported state.

    Args:
        state: what `pulumi stack export` gives, or None of a stack that is not there.
        kind_and_name: the end of its URN, which no other resource has.
    """
    deployment = (state or {}).get("deployment") or {}
    for each in deployment.get("resources", []):
        if each["urn"].endswith(kind_and_name) and not each.get("delete") and not each.get("external"):
            inputs = each.get("inputs", {})
            return Resource(
                urn=each["urn"],
                name=str(inputs.get("metadata", {}).get("name", "")),
                uid=str(each.get("outputs", {}).get("metadata", {}).get("uid", "")),
                inputs=inputs,
                is_retained=bool(each.get("retainOnDelete")),
            )
    return None
