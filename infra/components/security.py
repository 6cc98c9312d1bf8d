"""What restricted pod security asks of every pod and container, as Pulumi's arguments."""

from __future__ import annotations

from pulumi_kubernetes.core import v1 as core

from infra.components.arguments import snake_cased
from infra.pods import CONTAINER_SECURITY, POD_SECURITY


def pod_security() -> core.PodSecurityContextArgs:
    """The security context of every pod of a stack."""
    return core.PodSecurityContextArgs(**snake_cased(POD_SECURITY))


def container_security() -> core.SecurityContextArgs:
    """The security context of every container of a stack."""
    return core.SecurityContextArgs(**snake_cased(CONTAINER_SECURITY))
