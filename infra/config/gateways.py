"""A Gateway that exists: the configuration's ``endpoint.gateway``, and what may stand beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from infra.config.faults import Fault
from infra.config.group import Group
from infra.config.text import DnsLabel, DnsName  # noqa: TC001 - pydantic reads them

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config.faults import StackFile
    from infra.config.groups import Endpoint

HTTP_PORT = 80
"""HTTP's own, and a Gateway's by default."""


class ExistingGateway(Group):
    """A Gateway that others made, with a listener that takes routes of the stack's namespace."""

    name: DnsName = Field(description="Its name.", examples=["public"])
    namespace: DnsLabel = Field(description="Its namespace.", examples=["gateways"])
    section: DnsName = Field(
        description="Name of its listener, HTTP or HTTPS, which the URL has scheme and port from.", examples=["https"]
    )


def gateway_faults(endpoint: Endpoint | None, file: StackFile) -> Iterator[Fault]:
    """Yield what is missing or too much: the way in is a Gateway of the stack's own, or one that exists.

    Args:
        endpoint: None where something in it is wrong by itself.
        file: the stack's file, for the edits that mend.
    """
    if endpoint is None:
        return
    if endpoint.gateway is None:
        if endpoint.gateway_class is None:
            key = "endpoint.gatewayClass"
            yield Fault(
                key=key,
                found="is missing",
                accepted="Gateway class of the cluster, or endpoint.gateway: one that exists",
                mend=file.setting(key, "traefik"),
            )
        return
    for key, value, default in (("gatewayClass", endpoint.gateway_class, None), ("port", endpoint.port, HTTP_PORT)):
        if value != default:
            yield Fault(
                key=f"endpoint.{key}",
                found=f"is {value}, and endpoint.gateway names a Gateway that has its own",
                accepted=f"endpoint.gateway, or endpoint.{key} of a Gateway that the stack makes",
                mend=file.removing(f"endpoint.{key}"),
            )
