"""Mounts read-only: a server that can write its own model repository serves whatever an attacker writes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policy.resource import Resource


def mount_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each mount of a serving pod that is writable and not the pod's own scratch space."""
    if not resource.serves:
        return
    outside = {
        volume.get("name"): volume
        for volume in at(resource.pod_spec, "volumes", default=[])
        if volume.get("emptyDir") is None
    }
    for container in resource.containers():
        for mount in at(container, "volumeMounts", default=[]):
            if mount.get("name") in outside and mount.get("readOnly") is not True:
                yield _violation(resource, f"container {container.get('name')}", f"{mount.get('mountPath')}")
    for name, volume in outside.items():
        if _is_writable_claim(volume):
            yield _violation(resource, f"volume {name}", "persistentVolumeClaim")


def _is_writable_claim(volume: Mapping[str, Any]) -> bool:
    claim = at(volume, "persistentVolumeClaim", default={})
    return bool(claim) and claim.get("readOnly") is not True


def _violation(resource: Resource, part: str, what: str) -> Violation:
    return Violation(
        resource=resource,
        part=part,
        found=f"{what} is writable for a server",
        accepted="readOnly: true, on the mount and on the claim's volume",
        mend="set it in infra/components/triton_pod.py",
    )
