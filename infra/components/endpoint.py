"""The way in: a Gateway, the stack's own or one that exists, the routes, and the stack's URL."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.meta import v1 as meta

from infra.components.custom_resource import CustomResource
from infra.components.door import door_from_endpoint
from infra.components.existing_gateway import Wanted, url_from_gateway
from infra.components.local_certificate import local_certificate
from infra.components.own_gateway import (
    HTTP,
    HTTPS,
    gateway_spec,
    issuer_annotations,
    redirect_rules,
    url_from_status,
)
from infra.components.routes import rules_from_model
from infra.config.endpoints import ACCEPTED_PLAIN_HTTP
from infra.config.json_bodies import JSON_BODIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.components.door import Door
    from infra.config.endpoints import Endpoint as EndpointConfig
    from infra.config.gateways import ExistingGateway

GATEWAY_API = "gateway.networking.k8s.io/v1"

_NAME = "triton"
_REDIRECT = "triton-redirect"
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
        json_bodies: whether whole requests in JSON are routed.
        service_name: Triton's Service.
        service_port: its port.
    """

    namespace: pulumi.Input[str]
    path_prefix: str
    model: str
    endpoint: EndpointConfig
    json_bodies: bool
    service_name: pulumi.Input[str]
    service_port: int


class Endpoint(pulumi.ComponentResource):
    """The stack's URL. Routed are health, model metadata, model configuration and inference; nothing else.

    Attributes:
        url: where clients go, without a slash at its end.
        certificate_authority: PEM text of the authority that clients have to trust; None where HTTPS is another's
            matter, or there is none.
    """

    url: pulumi.Output[str]
    certificate_authority: pulumi.Output[str | None]

    def __init__(self, name: str, args: EndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:Endpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        awaited = self._options(args)
        self.certificate_authority = pulumi.Output.from_input(None)
        parent_ref: Mapping[str, Any]
        if args.endpoint.gateway is None:
            gateway = self._own_gateway(name, args, child)
            self.url = gateway.status.apply(lambda status: url_from_status(status, args.endpoint, args.path_prefix))
            parent_ref = {"name": gateway.name, **({} if args.endpoint.tls is None else {"sectionName": HTTPS})}
        else:
            self.url = _url_through_gateway(name, args.endpoint.gateway, args, self)
            parent_ref = _parent_ref(args.endpoint.gateway, self.url)
        door = door_from_endpoint(
            name, args.endpoint, json_bodies=args.json_bodies, namespace=args.namespace, child=child
        )
        _route(f"{name}-route", _NAME, args, _route_spec(args, parent_ref, door), awaited)
        self.register_outputs({"url": self.url})

    def _options(self, args: EndpointArgs, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of what is awaited, as long as the configuration says."""
        timeout = f"{args.endpoint.timeout_s}s"
        timeouts = pulumi.CustomTimeouts(create=timeout, update=timeout)
        return pulumi.ResourceOptions(parent=self, depends_on=after, custom_timeouts=timeouts)

    def _own_gateway(self, name: str, args: EndpointArgs, child: pulumi.ResourceOptions) -> CustomResource:
        """A Gateway of the stack's own, with its certificate, and with the route that sends plain HTTP to HTTPS."""
        tls, options = args.endpoint.tls, self._options(args)
        certificate: Mapping[str, Any] | None = None
        if tls is not None and tls.local:
            own = local_certificate(name, namespace=args.namespace, child=child, parent=self)
            certificate, self.certificate_authority = own.reference, own.authority.apply(str)
            options = self._options(args, own.grant)
        elif tls is not None:
            certificate = {"kind": "Secret", "name": tls.secret}
        gateway = CustomResource(
            f"{name}-gateway",
            api_version=GATEWAY_API,
            kind="Gateway",
            metadata=_awaited(_NAME, args.namespace, _GATEWAY_IS_UP, issuer_annotations(tls)),
            spec=gateway_spec(args.endpoint, certificate),
            opts=options,
        )
        if tls is not None and tls.redirect_port is not None:
            spec = {
                "parentRefs": [{"name": gateway.name, "sectionName": HTTP}],
                "rules": redirect_rules(args.endpoint, args.path_prefix),
            }
            _route(f"{name}-redirect", _REDIRECT, args, spec, self._options(args))
        return gateway


def _route(
    resource_name: str, name: str, args: EndpointArgs, spec: Mapping[str, Any], awaited: pulumi.ResourceOptions
) -> None:
    CustomResource(
        resource_name,
        api_version=GATEWAY_API,
        kind="HTTPRoute",
        metadata=_awaited(name, args.namespace, _ROUTE_IS_UP, _accepted(args)),
        spec=spec,
        opts=awaited,
    )


def _awaited(
    name: str, namespace: pulumi.Input[str], conditions: Sequence[str], annotations: Mapping[str, str] | None = None
) -> meta.ObjectMetaArgs:
    """Metadata that makes Pulumi wait until the controller has taken the object up."""
    awaited = {"pulumi.com/waitFor": json.dumps(conditions)}
    return meta.ObjectMetaArgs(name=name, namespace=namespace, annotations=awaited | dict(annotations or {}))


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
        lambda known: url_from_gateway(
            known[0],
            known[1],
            Wanted(endpoint=args.endpoint, json_bodies=args.json_bodies, namespace=known[2]),
        )
    )


def _parent_ref(gateway: ExistingGateway, url: pulumi.Output[str]) -> Mapping[str, Any]:
    """The listener that the route hangs on. It is not touched before the listener has been looked at."""
    section = url.apply(lambda _: gateway.section)
    return {"name": gateway.name, "namespace": gateway.namespace, "sectionName": section}


def _accepted(args: EndpointArgs) -> dict[str, str]:
    """What the stack accepts knowingly, where the policies see it: they don't get the configuration."""
    said = {ACCEPTED_PLAIN_HTTP: args.endpoint.accept_plain_http, JSON_BODIES: args.json_bodies}
    return {annotation: "true" for annotation, is_accepted in said.items() if is_accepted}


def _route_spec(args: EndpointArgs, parent_ref: Mapping[str, Any], door: Door) -> dict[str, Any]:
    # A listener of one's own has the host name already.
    named = args.endpoint.gateway is not None and args.endpoint.hostname is not None
    return {
        "parentRefs": [parent_ref],
        **({"hostnames": [args.endpoint.hostname]} if named else {}),
        "rules": rules_from_model(
            args.model,
            prefix="" if args.endpoint.hostname else args.path_prefix,
            backend={"name": args.service_name, "port": args.service_port},
            door=door,
        ),
    }
