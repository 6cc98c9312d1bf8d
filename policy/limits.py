"""Limits set: no pod takes from its neighbours what it did not ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.resource import Resource

_NEEDED = ("requests.cpu", "requests.memory", "limits.memory")
"""CPU has a request and no limit: a limit would only slow a server down while its node is idle."""


def limit_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each container without its requests and its memory limit, and each volume in memory without a size."""
    group = "serving.resources" if resource.serves else "model.buildResources"
    for container in resource.containers():
        missing = [key for key in _NEEDED if not at(container, "resources", *key.split("."), default="")]
        if missing:
            yield Violation(
                resource=resource,
                part=f"container {container.get('name')}",
                found=f"has no {', no '.join(missing)}",
                accepted=", ".join(_NEEDED),
                mend=f"in {resource.stack_file} set {group}, and see that the component passes it on",
            )
    for volume in at(resource.pod_spec, "volumes", default=[]):
        source = at(volume, "emptyDir", default={})
        if source.get("medium") == "Memory" and not source.get("sizeLimit"):
            yield Violation(
                resource=resource,
                part=f"volume {volume.get('name')}",
                found="lies in memory and has no size",
                accepted="emptyDir.sizeLimit with medium Memory",
                mend="set sizeLimit where infra/components declares the volume",
            )
