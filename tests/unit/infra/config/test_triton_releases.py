"""What is known of Triton's releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.config.triton_releases import OWN_RELEASES, limits_its_input, parses_safely, release_of

IMAGES = Path(__file__).resolve().parents[4] / "images"
NVIDIAS = "nvcr.io/nvidia/tritonserver"


@pytest.mark.parametrize(
    ("image", "release", "safe", "limits"),
    [
        (f"{NVIDIAS}:24.01-py3", "24.01", False, False),
        (f"{NVIDIAS}:25.09-py3", "25.09", False, False),
        (f"{NVIDIAS}:25.10-py3", "25.10", False, True),
        (f"{NVIDIAS}:26.04-py3", "26.04", False, True),
        (f"{NVIDIAS}:26.05-py3@sha256:{'a' * 64}", "26.05", True, True),
        (f"{NVIDIAS}:26.11-py3", "26.11", True, True),
        (f"{NVIDIAS}@sha256:{'a' * 64}", None, False, False),
        ("registry.example/team/mine:27.01", None, False, False),
        ("triton-cpu", "24.10", False, False),
    ],
)
def test_a_release_is_safe_from_where_it_is_known_to_be(
    image: str, release: str | None, *, safe: bool, limits: bool
) -> None:
    assert (release_of(image), parses_safely(image), limits_its_input(image)) == (release, safe, limits)


def test_the_projects_own_image_is_of_the_release_that_its_wheel_has() -> None:
    """Another wheel, another release: PyTriton 0.7.0 carries Triton 2.51, which is 24.10."""
    locked = (IMAGES / "triton-cpu/tritonserver.in").read_text(encoding="utf-8").splitlines()
    assert (locked[-1], OWN_RELEASES) == ("nvidia-pytriton==0.7.0", {"triton-cpu": "24.10"})
