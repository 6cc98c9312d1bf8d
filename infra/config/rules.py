"""What must hold between groups, and between the configuration and the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.config.faults import Fault, shown
from infra.config.groups import Cluster, Endpoint, Model, OnnxSource, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from infra.config.faults import StackFile


LIMITING_GATEWAY_CLASSES = frozenset({"traefik"})
"""Gateway classes whose controller can refuse a body that is too large."""

_TAG = r":\w[\w.-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"
_FULL_REFERENCE = re.compile(rf"[\w.-]+(:\d+)?(/[\w.-]+)+({_TAG}|{_TAG}{_DIGEST}|{_DIGEST})")


def faults_between_groups(groups: Mapping[str, BaseModel], *, file: StackFile, repository: Path) -> list[Fault]:
    """Check what one group alone cannot show.

    Args:
        groups: those that are right by themselves, by field name; a rule about a missing one is left out.
        file: the stack's file, for the commands that mend.
        repository: the repository's root.
    """
    found: list[Fault] = []
    model, serving = groups.get("model"), groups.get("serving")
    cluster, endpoint = groups.get("cluster"), groups.get("endpoint")
    if isinstance(model, Model):
        found += _source_faults(model, cluster if isinstance(cluster, Cluster) else None, file)
        found += _image_faults("model.buildImage", model.build_image, "model-build", file, repository)
    if isinstance(serving, Serving):
        found += _image_faults("serving.image", serving.image, "triton-cpu", file, repository)
    if isinstance(endpoint, Endpoint):
        found += _limit_faults(endpoint, file)
    return found


def _source_faults(model: Model, cluster: Cluster | None, file: StackFile) -> Iterator[Fault]:
    source, key = model.source, "model.source.url"
    if not isinstance(source, OnnxSource) or source.local_path is None:
        return
    if cluster and cluster.local_name is None:
        yield Fault(
            key=key,
            found=f"is {shown(source.url)}, and the pods of context {cluster.context} cannot read this disk",
            accepted="https:// (file:// on a local cluster only)",
            mend=file.set_command(key, "https://example.org/model.onnx"),
        )
    elif not source.local_path.is_file():
        yield Fault(
            key=key,
            found=f"is {shown(source.url)}, and there is no such file",
            accepted="the URL of a file",
            mend=file.set_command(key, "file:///path/to/model.onnx"),
        )


def _image_faults(key: str, image: str, example: str, file: StackFile, repository: Path) -> Iterator[Fault]:
    own = sorted(folder.parent.name for folder in (repository / "images").glob("*/Containerfile"))
    if image not in own and not _FULL_REFERENCE.fullmatch(image):
        yield Fault(
            key=key,
            found=f"is {shown(image)}",
            accepted=f"{', '.join(own)}, or a full reference: registry/name with a tag or a digest",
            mend=file.set_command(key, example),
        )


def _limit_faults(endpoint: Endpoint, file: StackFile) -> Iterator[Fault]:
    if endpoint.max_body_bytes is not None and endpoint.gateway_class not in LIMITING_GATEWAY_CLASSES:
        key = "endpoint.maxBodyBytes"
        yield Fault(
            key=key,
            found=f"is {endpoint.max_body_bytes}: gateway class {endpoint.gateway_class} cannot enforce maxBodyBytes",
            accepted=f"no limit, or gateway class {', '.join(sorted(LIMITING_GATEWAY_CLASSES))}",
            mend=file.remove_command(key),
        )
