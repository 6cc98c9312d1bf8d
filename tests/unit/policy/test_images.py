"""Images by digest, by a tag that stands for their content, or loaded into the embedded node."""

from __future__ import annotations

import pytest

from infra.images import content_tag, reference
from policy.images import image_violations
from tests.unit.policy.objects import DIGEST, IMAGE, deployment, job, workload

TAGGED = "nvcr.io/nvidia/tritonserver:24.01-py3"


@pytest.mark.parametrize("image", [IMAGE, f"registry.example/triton@{DIGEST}", "localhost/triton-cpu:0123456789abcdef"])
def test_a_digest_and_a_loaded_image_pass(image: str) -> None:
    assert list(image_violations(deployment(image=image))) == []


@pytest.mark.parametrize("registry", ["registry.example/team", "localhost:5000", "registry.example:5000/a/b"])
@pytest.mark.parametrize("image", ["triton-cpu", "model-build", "model-build-tensorrt"])
def test_an_own_image_of_this_checkout_passes_wherever_it_is_pushed(image: str, registry: str) -> None:
    """As `make images` names it; one that is built on the serving image is another one for each."""
    named = reference(image, registry, serving=TAGGED)
    assert list(image_violations(deployment(image=named))) == []
    assert list(image_violations(job(image=named))) == []


@pytest.mark.parametrize("pin", ["", f"@{DIGEST}"])
def test_an_own_image_of_another_checkout_wants_a_digest(pin: str) -> None:
    found = list(image_violations(job(image=f"registry.example/team/model-build:0123456789abcdef{pin}")))
    assert len(found) == (0 if pin else 1)


def test_the_line_says_whose_the_tag_is_not() -> None:
    image = "registry.example/team/triton-cpu:0123456789abcdef"
    tag = content_tag("triton-cpu")
    (violation,) = image_violations(deployment(image=image))
    assert violation.line == (
        f"Deployment triton-x/triton: image {image} is not of this checkout: its images/triton-cpu has the tag {tag}; "
        f"accepted: registry.example/team/triton-cpu:{tag}, or {image}@sha256:<64 hex digits>; mend: in Pulumi.x.yaml "
        f"set serving.image to triton-cpu, or pin the digest; `crane digest {image}` prints the digest, as do skopeo "
        "inspect and docker buildx imagetools inspect"
    )


@pytest.mark.parametrize(
    "image",
    [
        *(TAGGED, "triton", "localhost:5000/triton-cpu:1", f"{TAGGED}@sha256:abc"),
        *("registry.example/team/other:0123456789abcdef", "registry.example/team/model-build-tensorrt:latest"),
        *("registry.example/team/model-build-tensorrt:0123456789abcdef0", "triton-cpu:0123456789abcdef"),
    ],
)
def test_a_tag_is_refused(image: str) -> None:
    assert len(list(image_violations(deployment(image=image)))) == 1


def test_the_line_says_what_where_what_is_accepted_and_how_to_get_the_digest() -> None:
    (violation,) = image_violations(deployment(image=TAGGED))
    assert violation.line == (
        f"Deployment triton-x/triton: image {TAGGED} is named by its tag, which can be moved; accepted: "
        f"{TAGGED}@sha256:<64 hex digits>; mend: in Pulumi.x.yaml set serving.image to that; `crane digest {TAGGED}` "
        "prints the digest, as do skopeo inspect and docker buildx imagetools inspect"
    )


def test_the_builds_image_has_a_key_of_its_own() -> None:
    (violation,) = image_violations(job(image="registry.example/team/model-build:0123456789abcdef"))
    assert "set model.buildImage" in violation.line


def test_an_image_of_several_containers_is_named_once() -> None:
    def twice(spec: dict[str, list[dict[str, str]]]) -> None:
        spec["initContainers"] = [{"name": "verify", "image": TAGGED}]
        spec["containers"][0]["image"] = TAGGED

    assert len(list(image_violations(workload(twice)))) == 1
