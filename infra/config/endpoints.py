"""The way in: the configuration's ``endpoint``."""

from pydantic import Field

from infra.config.clients import ClientKeys
from infra.config.gateways import HTTP_PORT, ExistingGateway
from infra.config.group import Group
from infra.config.peers import TRAEFIK_PODS, Admitted
from infra.config.text import DnsName
from infra.config.tls import HTTPS_PORT, Tls

ACCEPTED_PLAIN_HTTP = "densenet-triton/accepted-plain-http"
"""Annotation of an HTTPRoute: its stack accepts that it is without HTTPS, or without keys."""


class Limits(Group):
    """How much one client may ask: by its key where there are keys, else by its address.

    Each of an inference's ways counts by itself: the model's path and that with its version, and on each of them
    tensors in binary and JSON alone, where that is bounded. Who asks by all of them has up to four times as much.
    """

    body_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Largest request body; above it the gateway answers 413.",
        examples=[16777216],
    )
    requests_per_s: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Inference requests a second, as many at once as in a second; above it the gateway answers 429.",
        examples=[100],
    )
    in_flight: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Inference requests at once; above it the gateway answers 429.",
        examples=[128],
    )
    proxies: int = Field(
        default=0,
        ge=0,
        le=16,
        description="Load balancers in front of the gateway that name the client in X-Forwarded-For, which the gateway"
        " must trust: the address is taken so many places from the right; 0: that of the connection.",
    )


class Endpoint(Group):
    """The way in."""

    gateway: ExistingGateway | None = Field(
        default=None,
        description="A Gateway that exists, in place of gatewayClass and port.",
        examples=[{"name": "public", "namespace": "gateways", "section": "https"}],
    )
    gateway_class: DnsName | None = Field(
        default=None,
        description="Gateway class of the cluster, for a Gateway of the stack's own.",
        examples=["traefik"],
    )
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of the gateway's listener; without it 80, and 443 with tls. On the cluster `embedded` 8800,"
        " and 8843 with tls.",
        examples=[8800],
    )
    tls: Tls | None = Field(
        default=None,
        description="HTTPS, with a certificate. Without it plain HTTP.",
        examples=[{"secret": "triton-certificate"}],
    )
    hostname: DnsName | None = Field(
        default=None,
        description="Host name of the URL. Without it: the gateway's address, or its listener's host name, and the path"
        " /<namespace>.",
    )
    admit: tuple[Admitted, ...] = Field(
        default=(),
        description="Who may enter Triton: the gateway's pods, or the addresses that it asks from; one or more, unless"
        " cluster.networkPolicies is `false`.",
        examples=[[TRAEFIK_PODS]],
    )
    clients: ClientKeys = Field(
        default={},
        description="Who may ask, by name, each with its key; `name.next` has the second key of `name`. `make client"
        " ADD=name` makes one. Without any, everybody may. Enforced by class `traefik`.",
    )
    accept_plain_http: bool = Field(
        default=False,
        description="Accepts, knowingly, that the way in is without HTTPS, or without keys.",
    )
    limits: Limits = Field(
        default=Limits(),
        description="How much one client may ask, enforced by class `traefik`.",
        examples=[{"bodyBytes": 16777216}],
    )
    json_bodies: bool | None = Field(
        default=None,
        description="Whether whole requests in JSON are routed, tensors and all, which take many times their size of"
        " Triton's memory. `false`: JSON of at most 8 KiB, and tensors in binary, as Triton's client libraries send"
        " them. Without it: `true` where the release of `serving.image` is known to survive any JSON, 26.05 and newer."
        " An older one with `true` is for clients that are trusted, and wants `serving.acceptVulnerableRelease`.",
        examples=[False],
    )
    timeout_s: int = Field(
        default=120,
        ge=1,
        le=3600,
        description="How long Pulumi waits for the Gateway and its route, and the smoke tests for the URL, in seconds;"
        " a cloud's load balancer takes minutes.",
    )

    @property
    def listener_port(self) -> int:
        """The port of the listener of the stack's own Gateway, by default its scheme's."""
        if self.port is not None:
            return self.port
        return HTTP_PORT if self.tls is None else HTTPS_PORT
