"""Images by digest, or by a tag that stands for their content: what was proven is what every node pulls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.images import LOCAL_REGISTRY, content_tag, is_own, takes_serving
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.resource import Resource

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_CONTENT_TAG = re.compile(r"/(?P<image>[a-z0-9-]+):(?P<tag>[0-9a-f]{16})$")
_PRINTED = "`crane digest {image}` prints the digest, as do skopeo inspect and docker buildx imagetools inspect"


def image_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each image that may be another one tomorrow under the same name.

    A digest can't be. Nor can an image of `localhost/`: it comes from no registry, it is loaded into the node, under a
    tag that stands for its content, and nobody can move that.

    One of the project's own images in a registry counts as well, named by the tag that this checkout computes of the
    files that make it (one that is built on the serving image: by any such tag, for the rule sees one object alone).
    The stack's file cannot name the digest of what is yet to be built and pushed; the tag says which content was meant,
    and the evidence keeps the registry's digest that ran. Whoever may push to the registry can still move a tag: a
    digest is the stronger pin.
    """
    key = "serving.image" if resource.serves else "model.buildImage"
    for image in dict.fromkeys(str(container.get("image", "")) for container in resource.containers()):
        if image.startswith(f"{LOCAL_REGISTRY}/") or _DIGEST.search(image):
            continue
        own = _CONTENT_TAG.search(image)
        if own is None or not is_own(own["image"]):
            yield Violation(
                resource=resource,
                found=f"image {image} is named by its tag, which can be moved",
                accepted=f"{image.partition('@')[0]}@sha256:<64 hex digits>",
                mend=f"in {resource.stack_file} set {key} to that; {_PRINTED.format(image=image)}",
            )
        elif not takes_serving(own["image"]) and own["tag"] != (tag := content_tag(own["image"])):
            yield Violation(
                resource=resource,
                found=f"image {image} is not of this checkout: its images/{own['image']} has the tag {tag}",
                accepted=f"{image.rpartition(':')[0]}:{tag}, or {image}@sha256:<64 hex digits>",
                mend=f"in {resource.stack_file} set {key} to {own['image']}, or pin the digest; "
                f"{_PRINTED.format(image=image)}",
            )
