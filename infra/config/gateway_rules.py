"""What may stand beside ``endpoint.gateway``, and what must where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.config.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config.endpoints import Endpoint
    from infra.config.faults import StackFile


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
    for key, value in (("gatewayClass", endpoint.gateway_class), ("port", endpoint.port)):
        if value is not None:
            yield Fault(
                key=f"endpoint.{key}",
                found=f"is {value}, and endpoint.gateway names a Gateway that has its own",
                accepted=f"endpoint.gateway, or endpoint.{key} of a Gateway that the stack makes",
                mend=file.removing(f"endpoint.{key}"),
            )
