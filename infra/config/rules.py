"""What must hold between groups, and between the configuration and the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from infra.config.door_rules import door_faults
from infra.config.faults import Fault, shown
from infra.config.gateway_rules import gateway_faults
from infra.config.gpu_rules import gpu_faults
from infra.config.groups import LOCAL_CLUSTER, Cluster, is_local
from infra.config.json_bodies import json_faults
from infra.config.peer_rules import peer_faults
from infra.config.pod_rules import resource_faults
from infra.config.rollout import rollout_from_groups
from infra.config.sources import OnnxSource
from infra.config.storage_rules import storage_faults
from infra.config.timeouts import broken_links, timeouts_from_groups
from infra.config.tls_rules import EMBEDDED_GATEWAY_PORT, EMBEDDED_SECURE_PORT, tls_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from infra.config.endpoints import Endpoint
    from infra.config.faults import StackFile

_TAG = r":\w[\w.-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"
_FULL_REFERENCE = re.compile(rf"[\w.-]+(:\d+)?(/[\w.-]+)+({_TAG}|{_TAG}{_DIGEST}|{_DIGEST})")


def faults_between_values(right: Mapping[str, Any], *, file: StackFile, repository: Path) -> list[Fault]:
    """Check what one value alone cannot show.

    Args:
        right: values that are right by themselves, by dotted key; a rule about a missing one is left out.
        file: the stack's file, for the edits that mend.
        repository: the repository's root.
    """
    return [
        *_releases_faults(right, file),
        *_source_faults(right.get("model.source"), right.get("cluster.context"), right.get("model.plan"), file),
        *_image_faults("model.buildImage", right.get("model.buildImage"), "model-build", file, repository),
        *_image_faults("serving.image", right.get("serving.image"), "triton-cpu", file, repository),
        *gateway_faults(right.get("endpoint"), file),
        *_port_faults(right.get("endpoint"), right.get("cluster.context"), file),
        *tls_faults(right.get("endpoint"), right.get("cluster.context"), file),
        *peer_faults(right, file),
        *door_faults(right.get("endpoint"), file),
        *json_faults(right, file),
        *storage_faults(right.get("storage"), file),
        *gpu_faults(right, file),
        *resource_faults(right, file),
        *_timeout_faults(right, file),
    ]


def _releases_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    """What was proven outlives the stack, and with it a namespace that the stack makes and removes."""
    own, releases = right.get("cluster.namespace"), right.get("cluster.releasesNamespace")
    if own is None or own != releases or not right.get("cluster.createNamespace"):
        return
    default = Cluster.model_fields["releases_namespace"].default
    key, better = ("releasesNamespace", default) if own != default else ("namespace", "triton-dev")
    yield Fault(
        key=f"cluster.{key}",
        found=f"is {own}, and of cluster.namespace and cluster.releasesNamespace the first is removed with the stack",
        accepted="two namespaces; or one that others made, with cluster.createNamespace: false",
        mend=file.setting(f"cluster.{key}", better),
    )


def _source_faults(source: object, context: str | None, plan: str | None, file: StackFile) -> Iterator[Fault]:
    """A file that pods could not read or that is not there; a pinned plan was built from it and needs it no more."""
    if not isinstance(source, OnnxSource) or source.local_path is None or plan is not None:
        return
    key = "model.source.url"
    if context is not None and not is_local(context):
        yield Fault(
            key=key,
            found=f"is {shown(source.url)}, and the pods of context {context} cannot read this disk",
            accepted="https:// (file:// on a local cluster only)",
            mend=file.setting(key, "https://example.org/model.onnx"),
        )
    elif not source.is_at_hand:
        yield Fault(
            key=key,
            found=f"is {shown(source.url)}, and there is no such file",
            accepted="the URL of a file",
            mend=file.setting(key, "file:///path/to/model.onnx"),
        )


def _image_faults(key: str, image: str | None, example: str, file: StackFile, repository: Path) -> Iterator[Fault]:
    own = sorted(folder.parent.name for folder in (repository / "images").glob("*/Containerfile"))
    if image is not None and image not in own and not _FULL_REFERENCE.fullmatch(image):
        yield Fault(
            key=key,
            found=f"is {shown(image)}",
            accepted=f"{', '.join(own)}, or a full reference: registry/name with a tag or a digest",
            mend=file.setting(key, example),
        )


def _port_faults(endpoint: Endpoint | None, context: str | None, file: StackFile) -> Iterator[Fault]:
    """A Gateway of the stack's own listens where the cluster's controller does."""
    if endpoint is None or endpoint.gateway is not None:
        return
    port, scheme = (EMBEDDED_GATEWAY_PORT, "") if endpoint.tls is None else (EMBEDDED_SECURE_PORT, " for HTTPS")
    if context == LOCAL_CLUSTER and endpoint.listener_port != port:
        key = "endpoint.port"
        yield Fault(
            key=key,
            found=f"is {endpoint.listener_port}, and the embedded cluster's gateway listens{scheme} on {port}",
            accepted=str(port),
            mend=file.setting(key, port),
        )


def _timeout_faults(right: Mapping[str, Any], file: StackFile) -> Iterator[Fault]:
    model, serving, pool = (right.get(group) for group in ("model", "serving", "nodePool"))
    if model is None or serving is None or pool is None:
        return
    timeouts = timeouts_from_groups(model, serving, ends_first=rollout_from_groups(serving, pool).ends_first)
    for link in broken_links(timeouts):
        yield Fault(
            key=link.key,
            found=f"is {link.is_s}",
            accepted=f"above {link.above} = {link.needed_s}",
            mend=file.setting(link.key, 2 * link.needed_s),
        )
