"""A resource as the rules see it: plain data, with whatever the engine does not know yet marked as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_policy.proxy import UnknownValueError

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "(known once it is deployed)"
"""Stands for a value that a preview can't know; rules that ask for a value are not content with it."""

_POD_PATHS = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
_BUILDS = frozenset({"CronJob", "Job"})


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a stack.

    Attributes:
        urn: Pulumi's.
        type: Pulumi's type token, such as ``kubernetes:apps/v1:Deployment``.
        props: plain JSON data.
    """

    urn: str
    type: str
    props: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind of a Kubernetes object; of anything else, nothing."""
        return self.type.rpartition(":")[2] if self.type.startswith("kubernetes:") else ""

    @property
    def place(self) -> str:
        """Kind, namespace and name, as a person looks for the object."""
        metadata = at(self.props, "metadata", default={})
        names = [str(metadata[key]) for key in ("namespace", "name") if key in metadata]
        return f"{self.kind} {'/'.join(names) or self.urn.rpartition('::')[2]}"

    @property
    def stack(self) -> str:
        """The stack's name."""
        return self.urn.removeprefix("urn:pulumi:").partition("::")[0]

    @property
    def stack_file(self) -> str:
        """Name of the file with the stack's configuration."""
        return f"Pulumi.{self.stack}.yaml"

    @property
    def serves(self) -> bool:
        """Whether its pods serve: all but those of Jobs, which build."""
        return self.kind in _POD_PATHS and self.kind not in _BUILDS

    @property
    def pod(self) -> Mapping[str, Any] | None:
        """The pod's metadata and spec, of whatever makes pods."""
        if self.kind not in _POD_PATHS:
            return None
        pod: Mapping[str, Any] = at(self.props, *_POD_PATHS[self.kind], default={})
        return pod

    @property
    def pod_spec(self) -> Mapping[str, Any]:
        """The pod's spec; empty where there is none."""
        spec: Mapping[str, Any] = at(self.pod or {}, "spec", default={})
        return spec

    def containers(self) -> Iterator[Mapping[str, Any]]:
        """The pod's containers, those that run first included."""
        for group in ("initContainers", "containers"):
            yield from at(self.pod_spec, group, default=[])


def resource_from_engine(*, urn: str, type_: str, props: Mapping[str, Any]) -> Resource:
    """Take a resource over from the engine, whose values raise where they are unknown."""
    return Resource(urn=urn, type=type_, props=_plain(props))


def at(value: Any, *path: str, default: Any) -> Any:
    """The value at a path of keys; `default` where it is missing, null, or unknown while a group is asked for."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return default if value is None or (value == UNKNOWN and not isinstance(default, str)) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _known(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(value, index) for index in range(len(value))]
    return value


def _known(values: Any, key: Any) -> Any:
    try:
        return _plain(values[key])
    except UnknownValueError:
        return UNKNOWN
