"""No privilege: what restricted pod security asks, said before the cluster says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policy.resource import Resource

_SECCOMP = ("RuntimeDefault", "Localhost")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_MEND = "infra/components/security.py has what every pod and container of a stack gets"


def privilege_violations(resource: Resource) -> Iterator[Violation]:
    """Yield whatever lets a pod do more to its node than use its own files and processes."""
    if resource.pod is None:
        return
    for found, accepted in _of_pod(resource.pod_spec):
        yield Violation(resource=resource, found=found, accepted=accepted, mend=_MEND)
    for key, value in at(resource.pod, "metadata", "annotations", default={}).items():
        if key.startswith(_APPARMOR) and value == "unconfined":
            accepted, mend = f"{key}: runtime/default, or no such annotation", "remove it from serving.annotations"
            yield Violation(resource=resource, found=f"annotation {key} is unconfined", accepted=accepted, mend=mend)
    for container in resource.containers():
        for found, accepted in _of_container(container, at(resource.pod_spec, "securityContext", default={})):
            part = f"container {container.get('name')}"
            yield Violation(resource=resource, part=part, found=found, accepted=accepted, mend=_MEND)


def _of_pod(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is {spec[key]}", f"{key}: false, or no such key"
    for volume in at(spec, "volumes", default=[]):
        if volume.get("hostPath") is not None:
            yield f"volume {volume.get('name')} is a folder of the node", "persistentVolumeClaim, as infra makes one"


def _of_container(container: Mapping[str, Any], of_pod: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    own = at(container, "securityContext", default={})
    either = {**of_pod, **own}
    if own.get("privileged"):
        yield "privileged is true", "privileged: false, or no such key"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false", "allowPrivilegeEscalation: false"
    if added := at(own, "capabilities", "add", default=[]):
        yield f"capabilities {', '.join(map(str, added))} are added", "no capabilities.add"
    if "ALL" not in at(own, "capabilities", "drop", default=[]):
        yield "keeps the runtime's capabilities", "capabilities.drop: [ALL]"
    if either.get("runAsNonRoot") is not True or either.get("runAsUser") == 0:
        yield "may run as root", "runAsNonRoot: true, and no runAsUser 0"
    if at(either, "appArmorProfile", "type", default="") == "Unconfined":
        yield "has no AppArmor profile", "appArmorProfile.type RuntimeDefault or Localhost, or no such key"
    if at(either, "seccompProfile", "type", default="") not in _SECCOMP:
        yield "has no seccomp profile", f"seccompProfile.type {' or '.join(_SECCOMP)}"
    for port in at(container, "ports", default=[]):
        if port.get("hostPort"):
            yield f"port {port['hostPort']} of the node is taken", "no hostPort"
