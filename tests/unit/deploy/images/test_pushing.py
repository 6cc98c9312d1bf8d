from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from deploy.errors import DeployError
from deploy.images import pushing
from deploy.images.archives import Pushed
from deploy.images.pushing import own_images, push_own_images
from infra.config import StackConfig, config_from_values
from infra.images import REPOSITORY, reference

REGISTRY = "registry.example/team"
DIGEST = f"sha256:{'d' * 64}"
TRITON = "nvcr.io/nvidia/tritonserver:24.01-py3"  # of Pulumi.h800.yaml


def stack(name: str, **groups: Mapping[str, Any]) -> StackConfig:
    """A committed stack with keys of its groups changed."""
    values = dict(yaml.safe_load((REPOSITORY / f"Pulumi.{name}.yaml").read_text())["config"])
    for group, changed in groups.items():
        values[f"densenet-triton:{group}"] = {**values[f"densenet-triton:{group}"], **changed}
    return config_from_values(values, stack=name)


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str, str]]:
    """What was pushed, where to, and on which serving image; nothing is built."""
    told: list[tuple[list[str], str, str]] = []

    def push(images: Sequence[str], registry: str, *, serving: str) -> dict[str, Pushed]:
        told.append((list(images), registry, serving))
        return {image: Pushed(reference=reference(image, registry, serving=serving), digest=DIGEST) for image in images}

    monkeypatch.setattr(pushing, "push_images", push)
    return told


def test_each_reference_is_printed_as_one_could_pin_it(
    pushes: list[tuple[list[str], str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    push_own_images(stack("dev", cluster={"registry": REGISTRY}), "")

    assert pushes == [(["triton-cpu", "model-build"], REGISTRY, reference("triton-cpu", REGISTRY))]
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{reference(image, REGISTRY)}@{DIGEST}" for image in ("triton-cpu", "model-build")
    ]
    assert printed.err == ""


def test_another_registry_than_the_stack_s_is_said(
    pushes: list[tuple[list[str], str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    push_own_images(stack("h800"), "other.example:5000/x")

    assert pushes == [(["model-build-tensorrt"], "other.example:5000/x", TRITON)]
    assert capsys.readouterr().err == (
        "images: Pulumi.h800.yaml has cluster.registry: registry.example/team, where the stack's images are pulled "
        "from; to pull what was pushed, set densenet-triton:cluster.registry: other.example:5000/x\n"
    )


@pytest.mark.parametrize(
    "pin",
    [
        f"registry.example/team/model-build-tensorrt:0123456789abcdef@{DIGEST}",
        "registry.example/team/model-build-tensorrt:0123456789abcdef",
        "elsewhere.example/ours:1",
    ],
)
def test_a_pinned_build_image_is_pushed_all_the_same_and_the_pin_is_named(
    pin: str, pushes: list[tuple[list[str], str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    push_own_images(stack("h800", model={"buildImage": pin}), "")

    assert pushes == [(["model-build-tensorrt"], REGISTRY, TRITON)]
    pushed = reference("model-build-tensorrt", REGISTRY, serving=TRITON)
    printed = capsys.readouterr()
    assert printed.out == f"{pushed}@{DIGEST}\n"
    assert printed.err == (
        f"images: Pulumi.h800.yaml pins model.buildImage: {pin}, which is another image than {pushed}; the stack goes "
        f"on with its pin; to use what was pushed, set densenet-triton:model.buildImage: {pushed}@{DIGEST}\n"
    )


@pytest.mark.parametrize("digest", ["", f"@{DIGEST}"])
def test_a_pin_of_what_was_pushed_is_nothing_to_say(
    digest: str, pushes: list[tuple[list[str], str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    pins = {image: f"{reference(image, REGISTRY)}{digest}" for image in ("triton-cpu", "model-build")}
    config = stack(
        "dev",
        cluster={"registry": REGISTRY},
        serving={"image": pins["triton-cpu"]},
        model={"buildImage": pins["model-build"]},
    )

    push_own_images(config, "")

    assert [images for images, *_ in pushes] == [["triton-cpu", "model-build"]]
    assert capsys.readouterr().err == ""


def test_a_digest_of_another_push_is_another_image(
    pushes: list[tuple[list[str], str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    pin = f"{reference('triton-cpu', REGISTRY)}@sha256:{'e' * 64}"

    push_own_images(stack("dev", cluster={"registry": REGISTRY}, serving={"image": pin}), "")

    assert pushes
    assert f"pins serving.image: {pin}" in capsys.readouterr().err


def test_a_build_image_of_its_own_choice_is_pushed_too() -> None:
    """The stack builds with it, and with its target's as soon as the key goes."""
    assert own_images(stack("h800", model={"buildImage": "model-build"})) == ["model-build-tensorrt", "model-build"]


def test_images_that_are_loaded_into_the_node_are_not_pushed_and_that_is_said(
    pushes: list[tuple[list[str], str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    push_own_images(stack("dev"), "")

    assert pushes == []
    assert capsys.readouterr().err == (
        "images: nothing is pushed: stack dev has no registry (cluster.registry: localhost), its images are loaded "
        "into the embedded node by make up; to push them: make images STACK=dev REGISTRY=registry.example/team\n"
    )


@pytest.mark.parametrize(
    ("name", "own", "registry", "said"),
    [
        (
            "dev",
            "localhost",
            "localhost",
            "REGISTRY is localhost, which means loaded into the embedded node; accepted: ",
        ),
        ("h800", "localhost", "", "Pulumi.h800.yaml names no registry that nodes can pull from: cluster.registry is "),
        ("h800", REGISTRY, "https://registry.example/team", "REGISTRY is 'https://registry.example/team'; accepted: "),
        ("h800", f"{REGISTRY}/", "", "Pulumi.h800.yaml: cluster.registry is 'registry.example/team/'; accepted: host "),
    ],
)
def test_a_push_to_nowhere_is_refused(
    name: str, own: str, registry: str, said: str, pushes: list[tuple[list[str], str, str]]
) -> None:
    with pytest.raises(DeployError) as told:
        push_own_images(stack(name, cluster={"registry": own}), registry)

    assert str(told.value).startswith(said)
    assert "registry.example/team" in str(told.value)
    assert "\n" not in str(told.value)
    assert pushes == []
