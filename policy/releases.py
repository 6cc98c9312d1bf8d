"""Vulnerable releases of Triton, named with their fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.config.gpu_rules import ACCEPTED_RELEASE, PATCHED_RELEASE, hides_release, release_from_image
from policy.resource import at
from policy.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.resource import Resource

_NEWER = f"release {PATCHED_RELEASE} or newer"


def unaccepted_release_violations(resource: Resource) -> Iterator[Violation]:
    """Yield each image of a release with published vulnerabilities that the stack has not accepted."""
    accepted = _accepted(resource)
    for image in _images(resource):
        release = release_from_image(image)
        if hides_release(image) and accepted is None:
            yield _violation(resource, f"image {image} does not say its release of Triton", "its tag beside the digest")
        elif release is not None and release < PATCHED_RELEASE and release != accepted:
            found = f"vulnerabilities of release {release} are published, and image {image} is of it"
            yield _violation(resource, found, f"serving.acceptVulnerableRelease: '{release}', knowingly")


def accepted_release_violations(resource: Resource) -> Iterator[Violation]:
    """Yield the release with published vulnerabilities that the stack has accepted."""
    if accepted := _accepted(resource):
        found = f"vulnerabilities of release {accepted} are published, and {resource.stack_file} accepts it"
        yield _violation(resource, found, "the release that serving.acceptVulnerableRelease names, knowingly")


def _accepted(resource: Resource) -> str | None:
    """What the stack's configuration accepts, as the Deployment itself says: packs don't get the configuration."""
    accepted: str | None = at(resource.props, "metadata", "annotations", default={}).get(ACCEPTED_RELEASE)
    return accepted


def _images(resource: Resource) -> list[str]:
    images = (str(container.get("image", "")) for container in resource.containers())
    return list(dict.fromkeys(images)) if resource.serves else []


def _violation(resource: Resource, found: str, otherwise: str) -> Violation:
    return Violation(
        resource=resource,
        found=found,
        accepted=f"{_NEWER}; or {otherwise}",
        mend=f"in {resource.stack_file} set serving.image: nvcr.io/nvidia/tritonserver:{PATCHED_RELEASE}-py3@sha256:…",
    )
