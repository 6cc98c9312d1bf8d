"""Whether the certificate that a stack's Gateway is to have will do, looked at before anything changes."""

import base64
import binascii
import datetime as dt
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.address import gateway_addresses
from deploy.before.certificate_faults import SOON_DAYS, faults_of_certificate, last_day_of
from deploy.cluster import Cluster
from deploy.errors import DeployError, ForbiddenError
from infra.config import StackConfig
from infra.config.ownership import OWNER_ANNOTATION

_TYPE = "kubernetes.io/tls"
_LOCAL_ADDRESS = "127.0.0.1"
"""Of every embedded cluster's gateway."""


def require_certificate(config: StackConfig, cluster: Cluster, *, now: dt.datetime | None = None) -> None:
    """See that the Secret which the configuration names has a certificate for the URL, with its key.

    What cert-manager makes may come later, and is its to keep right. What this user may not read is said.

    Args:
        config: the stack's.
        cluster: where the Secret is.
        now: the time to judge by; without it that of this machine.

    Raises:
        DeployError: it has none that will do; in one line, with the command that mends it.
    """
    tls = config.endpoint.tls
    if tls is None or tls.secret is None:
        return
    place = f"endpoint.tls.secret: Secret {tls.secret} in namespace {config.cluster.namespace}"
    flags = (f"--namespace={config.cluster.namespace}", "--ignore-not-found", "--output=json")
    try:
        text = cluster.kubectl("get", "secret", tls.secret, *flags)
    except ForbiddenError:
        _say(f"unknown: {place} can't be read: this user may not; going on")
        return
    if text.strip():
        _require_good(config, place, json.loads(text), cluster, now or dt.datetime.now(dt.UTC))
    elif not tls.is_issued:
        made = _made(config, tls.secret, cluster)
        raise DeployError(f"{place} is not there; accepted: one of type {_TYPE}; {made}")


def _require_good(
    config: StackConfig, place: str, found: Mapping[str, Any], cluster: Cluster, now: dt.datetime
) -> None:
    name, files = str(found["metadata"]["name"]), _files(found)
    last = last_day_of(files)
    if config.endpoint.tls and config.endpoint.tls.is_issued:
        if last is not None and last <= now:
            _say(f"{place} ended on {last:%Y-%m-%d}, and cert-manager has not renewed it; {_asked(config, name)}")
        return
    if fault := next(_faults(found, files, _names(config, cluster), now), None):
        raise DeployError(f"{place} {fault}; {_replaced(config, name)}")
    if last is not None and last < now + dt.timedelta(days=SOON_DAYS):
        _say(f"{place} ends on {last:%Y-%m-%d}, in {(last - now).days} days; renew it: {_replaced(config, name)}")


def _faults(
    found: Mapping[str, Any], files: Mapping[str, bytes], names: frozenset[str], now: dt.datetime
) -> Iterator[str]:
    if found.get("type") != _TYPE:
        yield f"is of type {found.get('type')}; accepted: {_TYPE}"
    yield from faults_of_certificate(files, names=names, now=now)


def _files(found: Mapping[str, Any]) -> dict[str, bytes]:
    """What a Secret holds; what is no base64 is nothing."""
    files = {}
    for name, text in (found.get("data") or {}).items():
        try:
            files[name] = base64.b64decode(text)
        except (binascii.Error, ValueError):
            files[name] = b""
    return files


def _names(config: StackConfig, cluster: Cluster) -> frozenset[str]:
    """The names of which the certificate must have one: the URL's host; none where that is not known yet."""
    if config.endpoint.hostname is not None:
        return frozenset({config.endpoint.hostname})
    if config.cluster.local_name is not None:
        return frozenset({_LOCAL_ADDRESS})
    return frozenset(gateway_addresses(config.cluster.namespace, cluster))


def _made(config: StackConfig, name: str, cluster: Cluster) -> str:
    """The command that makes the Secret, and the namespace first, as the stack's own, where that is not there yet."""
    kubectl, namespace = _kubectl(config), config.cluster.namespace
    command = _created(config, name)
    if config.cluster.create_namespace and not _is_namespace_there(namespace, cluster):
        owned = f"annotate namespace {namespace} {OWNER_ANNOTATION}={config.stack}"
        command = f"{kubectl} create namespace {namespace} && {kubectl} {owned} && {command}"
    return command


def _is_namespace_there(name: str, cluster: Cluster) -> bool:
    try:
        return bool(cluster.kubectl("get", "namespace", name, "--ignore-not-found", "--output=name").strip())
    except ForbiddenError:
        return True


def _created(config: StackConfig, name: str) -> str:
    files = "--cert=CHAIN.pem --key=KEY.pem"
    return f"{_kubectl(config)} create secret tls {name} --namespace={config.cluster.namespace} {files}"


def _replaced(config: StackConfig, name: str) -> str:
    return f"{_created(config, name)} --dry-run=client --output=yaml | {_kubectl(config)} replace --filename=-"


def _asked(config: StackConfig, name: str) -> str:
    return f"{_kubectl(config)} describe certificate {name} --namespace={config.cluster.namespace}"


def _kubectl(config: StackConfig) -> str:
    return f"kubectl --context={config.cluster.context}"


def _say(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - progress
