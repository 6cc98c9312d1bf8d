"""What must hold of ``endpoint.tls``: one certificate, of a name that clients say, on ports that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.config.faults import Fault
from infra.config.groups import LOCAL_CLUSTER, is_local

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config.endpoints import Endpoint
    from infra.config.faults import StackFile
    from infra.config.tls import Tls

EMBEDDED_GATEWAY_PORT = 8800
"""Where the gateway of the local cluster of the default name listens; those of other names have other ports."""

EMBEDDED_SECURE_PORT = 8843
"""Where it listens for HTTPS."""

LOCAL_NAMES = ("127.0.0.1", "localhost")
"""What a local cluster's certificate is for."""

_BY_NAME_ALONE = frozenset({"traefik"})
"""Gateway classes whose controller finds a certificate by the name that clients say; with an address they say none."""

_TLS = "endpoint.tls"
_SECRET = "triton-certificate"  # noqa: S105 - a Secret's name


def tls_faults(endpoint: Endpoint | None, context: str | None, file: StackFile) -> Iterator[Fault]:
    """Yield what keeps the stack's Gateway from speaking HTTPS.

    Args:
        endpoint: None where something in it is wrong by itself.
        context: of the kubeconfig; None where it is wrong by itself.
        file: the stack's file, for the edits that mend.
    """
    if endpoint is None or endpoint.tls is None or context is None:
        return
    if endpoint.gateway is not None:
        yield Fault(
            key=_TLS,
            found="is set, and endpoint.gateway names a Gateway whose listeners have certificates of their own",
            accepted="endpoint.gateway with a listener of HTTPS, or endpoint.tls of a Gateway that the stack makes",
            mend=file.removing(_TLS),
        )
        return
    yield from _certificate_faults(endpoint.tls, context, file)
    yield from _issuer_faults(endpoint.tls, file)
    yield from _name_faults(endpoint, endpoint.tls, context, file)
    yield from _redirect_faults(endpoint, endpoint.tls, context, file)


def _certificate_faults(tls: Tls, context: str, file: StackFile) -> Iterator[Fault]:
    """One certificate, which is there."""
    has_own = is_local(context)
    accepted = "one of secret and local, which is for local clusters"
    if tls.local and tls.secret is not None:
        key = f"{_TLS}.secret" if has_own else f"{_TLS}.local"
        yield Fault(key=key, found="is a second certificate", accepted=accepted, mend=file.removing(key))
    elif tls.local and not has_own:
        kept = {} if tls.redirect_port is None else {"redirectPort": tls.redirect_port}
        yield Fault(
            key=f"{_TLS}.local",
            found=f"is true, and context {context} means no local cluster, whose authority would sign",
            accepted=f"{_TLS}.secret: a certificate of another authority",
            mend=file.setting(_TLS, {"secret": _SECRET, **kept}),
        )
    elif not tls.local and tls.secret is None:
        key, value = ("local", True) if has_own and not tls.is_issued else ("secret", _SECRET)
        yield Fault(
            key=_TLS, found="names no certificate", accepted=accepted, mend=file.setting(f"{_TLS}.{key}", value)
        )


def _issuer_faults(tls: Tls, file: StackFile) -> Iterator[Fault]:
    """What cert-manager makes is a Secret, by one issuer."""
    named = [key for key, value in (("issuer", tls.issuer), ("clusterIssuer", tls.cluster_issuer)) if value is not None]
    if tls.local and tls.secret is None:
        for name in named:
            key = f"{_TLS}.{name}"
            yield Fault(
                key=key,
                found=f"is set, and {_TLS}.local has a certificate already",
                accepted=f"{name} beside {_TLS}.secret, which cert-manager makes",
                mend=file.removing(key),
            )
    elif len(named) > 1:
        key = f"{_TLS}.issuer"
        yield Fault(
            key=key,
            found=f"is {tls.issuer}, and clusterIssuer is {tls.cluster_issuer}",
            accepted="one of both",
            mend=file.removing(key),
        )


def _name_faults(endpoint: Endpoint, tls: Tls, context: str, file: StackFile) -> Iterator[Fault]:
    """The name that clients say is one of the certificate's."""
    key, has_own = "endpoint.hostname", is_local(context)
    if tls.local and has_own:
        if endpoint.hostname not in {None, "localhost"}:
            yield Fault(
                key=key,
                found=f"is {endpoint.hostname}, and the local cluster's certificate is for {' and '.join(LOCAL_NAMES)}",
                accepted=f"localhost or none; or {_TLS}.secret, a certificate for that name",
                mend=file.removing(key),
            )
        return
    by_name = not has_own and endpoint.gateway_class in _BY_NAME_ALONE
    if endpoint.hostname is None and (tls.is_issued or by_name):
        why = (
            "cert-manager makes a certificate for a name"
            if tls.is_issued
            else f"gateway class {endpoint.gateway_class} finds a certificate by the name that clients say"
        )
        yield Fault(
            key=key,
            found=f"is missing, and {why}",
            accepted="the host name that clients go to",
            mend=file.setting(key, "mug.example.org"),
        )


def _redirect_faults(endpoint: Endpoint, tls: Tls, context: str, file: StackFile) -> Iterator[Fault]:
    """Plain HTTP has a port of its own, where the cluster's controller listens."""
    key, port = f"{_TLS}.redirectPort", tls.redirect_port
    if port is None:
        return
    if context == LOCAL_CLUSTER and port != EMBEDDED_GATEWAY_PORT:
        yield Fault(
            key=key,
            found=f"is {port}, and the embedded cluster's gateway listens for plain HTTP on {EMBEDDED_GATEWAY_PORT}",
            accepted=str(EMBEDDED_GATEWAY_PORT),
            mend=file.setting(key, EMBEDDED_GATEWAY_PORT),
        )
    elif port == endpoint.listener_port:
        yield Fault(
            key=key,
            found=f"is {port}, the port of HTTPS",
            accepted="another port; none, and plain HTTP is shut",
            mend=file.removing(key),
        )
