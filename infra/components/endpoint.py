"""The way in: a Gateway, the stack's own or one that exists, the routes, and the stack's URL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.meta import v1 as meta

from infra.components.custom_resource import CustomResource
from infra.components.existing_gateway import Wanted, url_from_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.config.gateways import ExistingGateway
    from infra.config.groups import Endpoint as EndpointConfig

GATEWAY_API = "gateway.networking.k8s.io/v1"
TRAEFIK_API = "traefik.io/v1alpha1"

_NAME = "triton"
_VERSION = "1"
_GATEWAY_IS_UP = ("condition=Programmed", "jsonpath={.status.addresses[0].value}")
_ROUTE_IS_UP = tuple(
    f'jsonpath={{.status.parents[0].conditions[?(@.type=="{condition}")].status}}=True'
    for condition in ("Accepted", "ResolvedRefs")
)


@dataclass(frozen=True, kw_only=True)
class EndpointArgs:
    """What is reached, and how.

    Attributes:
        namespace: of everything here.
        path_prefix: path of the URL without a host name, such as `/triton-dev`.
        model: name that clients ask for.
        endpoint: the configuration group.
        service_name: Triton's Service.
        service_port: its port.
    """

    namespace: pulumi.Input[str]
    path_prefix: str
    model: str
    endpoint: EndpointConfig
    service_name: pulumi.Input[str]
    service_port: int


class Endpoint(pulumi.ComponentResource):
    """The stack's URL. Routed are health, model metadata, model configuration and inference; nothing else.

    Attributes:
        url: where clients go, without a slash at its end.
    """

    url: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:Endpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        awaited = pulumi.ResourceOptions(
            parent=self,
            custom_timeouts=pulumi.CustomTimeouts(
                create=f"{args.endpoint.timeout_s}s", update=f"{args.endpoint.timeout_s}s"
            ),
        )
        parent_ref: Mapping[str, Any]
        if args.endpoint.gateway is None:
            gateway = _own_gateway(name, args, awaited)
            parent_ref = {"name": gateway.name}
            self.url = gateway.status.apply(lambda status: url_from_status(status, args))
        else:
            self.url = _url_through_gateway(name, args.endpoint.gateway, args, self)
            parent_ref = _parent_ref(args.endpoint.gateway, self.url)
        filters: list[Mapping[str, Any]] = []
        if args.endpoint.max_body_bytes is not None:
            limit = _body_limit(name, args.namespace, args.endpoint.max_body_bytes, child)
            filters.append(_extension_filter(limit))
        CustomResource(
            f"{name}-route",
            api_version=GATEWAY_API,
            kind="HTTPRoute",
            metadata=_awaited(args.namespace, _ROUTE_IS_UP),
            spec=_route_spec(args, parent_ref=parent_ref, body_filters=filters),
            opts=awaited,
        )
        self.register_outputs({"url": self.url})


def url_from_status(status: Mapping[str, Any] | None, args: EndpointArgs) -> str:
    """The URL, from the Gateway's status; empty while a preview looks at one that has no address yet."""
    port = "" if args.endpoint.port == 80 else f":{args.endpoint.port}"  # noqa: PLR2004 - HTTP's own
    if args.endpoint.hostname:
        return f"http://{args.endpoint.hostname}{port}"
    addresses = (status or {}).get("addresses") or []
    if not addresses:
        return ""
    address = str(addresses[0]["value"])
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}{port}{args.path_prefix}"


def routes(model: str) -> Iterator[tuple[str, str]]:
    """Everything that is routed: method and Triton's own path, matched exactly."""
    yield "GET", "/v2/health/live"
    yield "GET", "/v2/health/ready"
    for path in (f"/v2/models/{model}", f"/v2/models/{model}/versions/{_VERSION}"):
        yield "GET", path
        yield "GET", f"{path}/ready"
        yield "GET", f"{path}/config"
        yield "POST", f"{path}/infer"


def _awaited(namespace: pulumi.Input[str], conditions: Sequence[str]) -> meta.ObjectMetaArgs:
    """Metadata that makes Pulumi wait until the controller has taken the object up."""
    return meta.ObjectMetaArgs(
        name=_NAME, namespace=namespace, annotations={"pulumi.com/waitFor": json.dumps(conditions)}
    )


def _own_gateway(name: str, args: EndpointArgs, awaited: pulumi.ResourceOptions) -> CustomResource:
    return CustomResource(
        f"{name}-gateway",
        api_version=GATEWAY_API,
        kind="Gateway",
        metadata=_awaited(args.namespace, _GATEWAY_IS_UP),
        spec=_gateway_spec(args.endpoint),
        opts=awaited,
    )


def _url_through_gateway(
    name: str, gateway: ExistingGateway, args: EndpointArgs, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """The URL through a Gateway that exists, of which nothing is changed or removed."""
    found = CustomResource(
        f"{name}-existing-gateway",
        api_version=GATEWAY_API,
        kind="Gateway",
        opts=pulumi.ResourceOptions(parent=parent, id=f"{gateway.namespace}/{gateway.name}"),
    )
    return pulumi.Output.all(found.spec, found.status, args.namespace).apply(
        lambda known: url_from_gateway(known[0], known[1], Wanted(endpoint=args.endpoint, namespace=known[2]))
    )


def _parent_ref(gateway: ExistingGateway, url: pulumi.Output[str]) -> Mapping[str, Any]:
    """The listener that the route hangs on. It is not touched before the listener has been looked at."""
    section = url.apply(lambda _: gateway.section)
    return {"name": gateway.name, "namespace": gateway.namespace, "sectionName": section}


def _gateway_spec(endpoint: EndpointConfig) -> dict[str, Any]:
    listener: dict[str, Any] = {
        "name": "http",
        "protocol": "HTTP",
        "port": endpoint.port,
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    if endpoint.hostname:
        listener["hostname"] = endpoint.hostname
    return {"gatewayClassName": endpoint.gateway_class, "listeners": [listener]}


def _route_spec(
    args: EndpointArgs, *, parent_ref: Mapping[str, Any], body_filters: list[Mapping[str, Any]]
) -> dict[str, Any]:
    prefix = "" if args.endpoint.hostname else f"{args.path_prefix}"
    backend = {"name": args.service_name, "port": args.service_port}
    # A listener of one's own has the host name already.
    named = args.endpoint.gateway is not None and args.endpoint.hostname is not None
    return {
        "parentRefs": [parent_ref],
        **({"hostnames": [args.endpoint.hostname]} if named else {}),
        "rules": [
            {
                "matches": [{"method": method, "path": {"type": "Exact", "value": f"{prefix}{path}"}}],
                "filters": [*(body_filters if method == "POST" else []), *_rewrite_filters(prefix, path)],
                "backendRefs": [backend],
            }
            for method, path in routes(args.model)
        ],
    }


def _rewrite_filters(prefix: str, path: str) -> list[Mapping[str, Any]]:
    """A rule for each path: the Gateway API replaces a prefix only where it matches one."""
    if not prefix:
        return []
    rewrite = {"path": {"type": "ReplaceFullPath", "replaceFullPath": path}}
    return [{"type": "URLRewrite", "urlRewrite": rewrite}]


def _body_limit(
    name: str, namespace: pulumi.Input[str], max_body_bytes: int, child: pulumi.ResourceOptions
) -> CustomResource:
    """The Gateway API has no body limit; Traefik has, as a middleware."""
    return CustomResource(
        f"{name}-body-limit",
        api_version=TRAEFIK_API,
        kind="Middleware",
        metadata=meta.ObjectMetaArgs(name="body-limit", namespace=namespace),
        spec={"buffering": {"maxRequestBodyBytes": max_body_bytes}},
        opts=child,
    )


def _extension_filter(middleware: CustomResource) -> Mapping[str, Any]:
    reference = {"group": TRAEFIK_API.partition("/")[0], "kind": "Middleware", "name": middleware.name}
    return {"type": "ExtensionRef", "extensionRef": reference}
