"""HTTPS at the stack's own Gateway: the configuration's ``endpoint.tls``."""

from pydantic import Field

from infra.config.group import Group
from infra.config.text import DnsName

HTTPS_PORT = 443
"""HTTPS' own, and by default that of a Gateway with a certificate."""


class Tls(Group):
    """Whose certificate the Gateway has, and what becomes of plain HTTP: it is shut, or redirected."""

    secret: DnsName | None = Field(
        default=None,
        description="Secret of type kubernetes.io/tls in the stack's namespace: the certificate with its chain in"
        " `tls.crt`, its key in `tls.key`; where an authority of your own has signed it, that in `ca.crt`.",
        examples=["triton-certificate"],
    )
    local: bool = Field(
        default=False,
        description="`true`: the certificate that the embedded cluster's own authority has signed, for 127.0.0.1 and"
        " localhost.",
        examples=[True],
    )
    issuer: DnsName | None = Field(
        default=None,
        description="cert-manager's Issuer in the stack's namespace: it makes the Secret, and renews it. Needs"
        " endpoint.hostname.",
        examples=["letsencrypt"],
    )
    cluster_issuer: DnsName | None = Field(
        default=None,
        description="cert-manager's ClusterIssuer, in place of issuer.",
        examples=["letsencrypt"],
    )
    redirect_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of a second listener, of plain HTTP, that redirects to HTTPS and does nothing else. Without"
        " it plain HTTP is shut.",
        examples=[80],
    )

    @property
    def is_issued(self) -> bool:
        """Whether cert-manager makes the Secret."""
        return self.issuer is not None or self.cluster_issuer is not None
