"""The certificate that an embedded cluster has for its gateway.

Its key stays where the cluster keeps it: the stack's Gateway refers to it. So it is in no state and no output, and its
renewal needs no deployment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.components.custom_resource import CustomResource

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE = "kube-system"
_CERTIFICATE = "gateway-certificate"
_AUTHORITY = "gateway-authority"
"""Where `local_cluster` publishes them."""

_AUTHORITY_FILE = "ca.crt"


@dataclass(frozen=True, kw_only=True)
class LocalCertificate:
    """What a Gateway and its clients need of it.

    Attributes:
        reference: to the Secret, as a Gateway's listener has it.
        authority: PEM text of the certificate that clients trust.
        grant: lets Gateways of the stack's namespace use it; a Gateway comes after.
    """

    reference: Mapping[str, Any]
    authority: pulumi.Output[str]
    grant: pulumi.Resource


def local_certificate(
    name: str, *, namespace: pulumi.Input[str], child: pulumi.ResourceOptions, parent: pulumi.Resource
) -> LocalCertificate:
    """Let the stack's Gateway use the cluster's certificate.

    Args:
        name: of the component, before the resources' names.
        namespace: of the Gateway.
        child: options of what is declared.
        parent: of what is read.
    """
    grant = CustomResource(
        f"{name}-certificate-grant",
        api_version="gateway.networking.k8s.io/v1beta1",
        kind="ReferenceGrant",
        metadata=meta.ObjectMetaArgs(name=namespace, namespace=_NAMESPACE),
        spec={
            "from": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "namespace": namespace}],
            "to": [{"group": "", "kind": "Secret", "name": _CERTIFICATE}],
        },
        opts=child,
    )
    # By way of the grant, so that a first preview, which has no cluster to ask, reads nothing
    place = grant.id.apply(lambda _: f"{_NAMESPACE}/{_AUTHORITY}")
    published = core.ConfigMap.get(f"{name}-authority", place, pulumi.ResourceOptions(parent=parent))
    return LocalCertificate(
        reference={"kind": "Secret", "name": _CERTIFICATE, "namespace": _NAMESPACE},
        authority=published.data.apply(lambda data: str(data[_AUTHORITY_FILE])),
        grant=grant,
    )
