"""What is known of Triton's releases: which parses JSON safely, and which has a flag that older ones end at."""

from __future__ import annotations

from infra.config.gpu_rules import release_from_image

SAFE_JSON_RELEASE = "26.05"
"""The oldest release whose JSON parser does not use the stack for what is nested (triton-inference-server/common#156).

Older ones end with a segmentation fault where a request is nested deeply enough.
"""

INPUT_SIZE_RELEASE = "25.10"
"""The oldest release that is known to have ``--http-max-input-size``."""

OWN_RELEASES = {"triton-cpu": "24.10"}
"""The releases of the project's own images, which are named by their folders."""


def release_of(image: str) -> str | None:
    """The release of Triton in an image, as the configuration names it; None where it is not known."""
    return OWN_RELEASES.get(image) or release_from_image(image)


def parses_safely(image: str) -> bool:
    """Whether an image's release is known to take any JSON without ending."""
    release = release_of(image)
    return release is not None and release >= SAFE_JSON_RELEASE


def limits_its_input(image: str) -> bool:
    """Whether an image's release is known to have ``--http-max-input-size``."""
    release = release_of(image)
    return release is not None and release >= INPUT_SIZE_RELEASE
