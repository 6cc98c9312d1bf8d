"""Images by digest: what was proven is what every node pulls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.images import LOCAL_REGISTRY
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.resource import Resource

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def image_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each image that is neither named by digest nor loaded into the embedded node.

    An image of `localhost/` comes from no registry: it is loaded into the node, under a tag that stands for its
    content, and nobody can move that.
    """
    key = "serving.image" if resource.serves else "model.buildImage"
    for image in dict.fromkeys(str(container.get("image", "")) for container in resource.containers()):
        if image.startswith(f"{LOCAL_REGISTRY}/") or _DIGEST.search(image):
            continue
        yield Violation(
            resource=resource,
            found=f"image {image} is named by its tag, which can be moved",
            accepted=f"{image.partition('@')[0]}@sha256:<64 hex digits>",
            mend=f"in {resource.stack_file} set {key} to that; `crane digest {image}` prints the digest, as do "
            "skopeo inspect and docker buildx imagetools inspect",
        )
