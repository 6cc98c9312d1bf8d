"""An object of a custom definition, with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_kubernetes.meta import v1 as meta


class CustomResource(pulumi.CustomResource):
    """What `pulumi_kubernetes.apiextensions.CustomResource` is, and its status as an output beside it.

    Attributes:
        name: of the object.
        spec: as it is declared, or as it was found.
        status: what the object's controller wrote there; None before it did.
    """

    name: pulumi.Output[str]
    spec: pulumi.Output[Mapping[str, Any] | None]
    status: pulumi.Output[Mapping[str, Any] | None]

    def __init__(
        self,
        resource_name: str,
        *,
        api_version: str,
        kind: str,
        metadata: meta.ObjectMetaArgs | None = None,
        spec: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare an object, or read one that exists: then its options have the id ``namespace/name``."""
        # What is read is named by its id alone: with anything more the provider looks for a name in that.
        named = {} if opts.id else {"apiVersion": api_version, "kind": kind}
        properties = {**named, "metadata": metadata, "spec": spec, "status": None}
        super().__init__(f"kubernetes:{api_version}:{kind}", resource_name, properties, opts)
        written: pulumi.Output[Mapping[str, Any]] = pulumi.get(self, "metadata")
        self.name = written.apply(lambda found: str(found["name"]))
