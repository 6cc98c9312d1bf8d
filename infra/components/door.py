"""The door: what a request has to pass on its way to Triton, as filters of a route's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_kubernetes.meta import v1 as meta

from infra.components.custom_resource import CustomResource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.config.endpoints import Endpoint

TRAEFIK_API = "traefik.io/v1alpha1"


@dataclass(frozen=True, kw_only=True)
class Door:
    """Filters of the rules, in the order in which a request passes them.

    Attributes:
        infer: of every request for an inference.
    """

    infer: Sequence[Mapping[str, Any]]


def door_from_endpoint(
    name: str, endpoint: Endpoint, *, namespace: pulumi.Input[str], child: pulumi.ResourceOptions
) -> Door:
    """Declare what stands in front of Triton.

    The Gateway API has no body limit; Traefik has, as a middleware.

    Args:
        name: of the component, before the middlewares' names.
        endpoint: the configuration group.
        namespace: of the middlewares.
        child: options of every resource here.
    """
    infer: list[Mapping[str, Any]] = []
    if endpoint.max_body_bytes is not None:
        limit = _middleware(
            name, "body-limit", {"buffering": {"maxRequestBodyBytes": endpoint.max_body_bytes}}, namespace, child
        )
        infer.append(_extension_filter(limit))
    return Door(infer=infer)


def _middleware(
    name: str,
    middleware: str,
    spec: Mapping[str, Any],
    namespace: pulumi.Input[str],
    child: pulumi.ResourceOptions,
) -> CustomResource:
    return CustomResource(
        f"{name}-{middleware}",
        api_version=TRAEFIK_API,
        kind="Middleware",
        metadata=meta.ObjectMetaArgs(name=middleware, namespace=namespace),
        spec=spec,
        opts=child,
    )


def _extension_filter(middleware: CustomResource) -> Mapping[str, Any]:
    reference = {"group": TRAEFIK_API.partition("/")[0], "kind": "Middleware", "name": middleware.name}
    return {"type": "ExtensionRef", "extensionRef": reference}
