"""Releases of Triton with published vulnerabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.config.gpu_rules import ACCEPTED_RELEASE, PATCHED_RELEASE
from policy.releases import accepted_release_violations, unaccepted_release_violations
from tests.unit.policy.objects import DIGEST, IMAGE, deployment, job, resource

if TYPE_CHECKING:
    from policy.resource import Resource

OLD = f"nvcr.io/nvidia/tritonserver:24.01-py3@{DIGEST}"
SILENT = f"nvcr.io/nvidia/tritonserver@{DIGEST}"


def accepting(release: str, image: str) -> Resource:
    spec = deployment(image=image).props["spec"]
    return resource("apps/v1:Deployment", dict(spec), annotations={ACCEPTED_RELEASE: release})


@pytest.mark.parametrize("image", [IMAGE, "localhost/triton-cpu:0123456789abcdef", "registry.example/mine:1"])
def test_a_patched_release_passes(image: str) -> None:
    assert list(unaccepted_release_violations(deployment(image=image))) == []
    assert list(accepted_release_violations(deployment(image=image))) == []


def test_a_vulnerable_release_is_refused_with_its_fix() -> None:
    (violation,) = unaccepted_release_violations(deployment(image=OLD))
    assert "release 24.01" in violation.found
    assert violation.accepted.startswith(f"release {PATCHED_RELEASE} or newer")
    assert f"set serving.image: nvcr.io/nvidia/tritonserver:{PATCHED_RELEASE}-py3@sha256:" in violation.mend


def test_an_image_that_hides_its_release_is_refused() -> None:
    assert len(list(unaccepted_release_violations(deployment(image=SILENT)))) == 1


@pytest.mark.parametrize("image", [OLD, SILENT])
def test_an_accepted_release_is_only_named(image: str) -> None:
    assert list(unaccepted_release_violations(accepting("24.01", image))) == []
    (violation,) = accepted_release_violations(accepting("24.01", image))
    assert "Pulumi.x.yaml accepts it" in violation.found


def test_what_is_accepted_is_that_release_alone() -> None:
    assert len(list(unaccepted_release_violations(accepting("23.12", OLD)))) == 1


def test_a_build_serves_nobody() -> None:
    assert list(unaccepted_release_violations(job(image=OLD))) == []
