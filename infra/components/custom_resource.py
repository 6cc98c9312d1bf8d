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
        status: what the object's controller wrote there; None before it did.
    """

    name: pulumi.Output[str]
    status: pulumi.Output[Mapping[str, Any] | None]

    def __init__(
        self,
        resource_name: str,
        *,
        api_version: str,
        kind: str,
        metadata: meta.ObjectMetaArgs,
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        properties = {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": metadata,
            "spec": spec,
            "status": None,
        }
        super().__init__(f"kubernetes:{api_version}:{kind}", resource_name, properties, opts)
        written: pulumi.Output[Mapping[str, Any]] = pulumi.get(self, "metadata")
        self.name = written.apply(lambda found: str(found["name"]))
