"""Traefik's middlewares, and the filters that have a route's requests pass them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_kubernetes.meta import v1 as meta

from infra.components.custom_resource import CustomResource

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

_GROUP = "traefik.io"
_OURS = "triton-"


@dataclass(frozen=True, kw_only=True)
class Middlewares:
    """Traefik's part: the Gateway API has neither limits nor keys.

    Attributes:
        name: of the component, before the middlewares' logical names.
        namespace: of the middlewares.
        child: options of every resource here.
    """

    name: str
    namespace: pulumi.Input[str]
    child: pulumi.ResourceOptions

    def filter(self, middleware: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        """Declare a middleware, and return the filter that has requests pass it.

        Args:
            middleware: its name, which begins as those of all that a stack has beside what others have.
            spec: what it does.
        """
        made = CustomResource(
            f"{self.name}-{middleware.removeprefix(_OURS)}",
            api_version=f"{_GROUP}/v1alpha1",
            kind="Middleware",
            metadata=meta.ObjectMetaArgs(name=middleware, namespace=self.namespace),
            spec=spec,
            opts=self.child,
        )
        reference = {"group": _GROUP, "kind": "Middleware", "name": made.name}
        return {"type": "ExtensionRef", "extensionRef": reference}
