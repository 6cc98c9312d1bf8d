from copy import deepcopy
from typing import Any

import pytest
import yaml

from gate.before.promotion import Promised, announcement, promised_from_release, promoted_values
from gate.cluster.releases import Release
from gate.errors import FailedError, RefusedError
from gate.evidence.document import Subject
from infra.config import REPOSITORY, config_from_values, with_value_at_key
from tests.unit.gate.runs import subject

DIGEST = f"sha256:{1:064}"
TRITON = f"nvcr.io/nvidia/tritonserver:24.01-py3@{DIGEST}"


def committed(stack: str, **changes: dict[str, Any]) -> dict[str, Any]:
    """A committed stack's configuration, with what differs in its groups."""
    values: dict[str, Any] = yaml.safe_load((REPOSITORY / f"Pulumi.{stack}.yaml").read_text())["config"]
    for group, keys in changes.items():
        values[f"densenet-triton:{group}"] |= keys
    return values


H800 = committed("h800", serving={"image": TRITON})
DEV = committed("dev")
LOADED = {"triton": f"localhost/triton-cpu:0123@{DIGEST}"}


def promised(source: dict[str, Any], target: dict[str, Any], **changes: Any) -> Promised:
    """What the promotion from one configuration to another would be."""
    release = Release(id="20261123T011200Z", subject=subject(**changes), config=deepcopy(source))
    return promised_from_release(release, config_from_values(target, stack="prod"), commit="c" * 40)


def promised_by_h800(**changes: dict[str, Any]) -> Promised:
    """What the promotion of the committed GPU stack to one that differs would be."""
    return promised(H800, committed("h800", **{"serving": {"image": TRITON}, **changes}))


def test_a_release_goes_to_the_same_gpu_as_it_is() -> None:
    found = promised_by_h800(cluster={"namespace": "triton-prod"}, serving={"image": TRITON, "replicas": 3})

    assert found.pinned
    config = config_from_values(H800, stack="prod")
    assert announcement(found, config).startswith("promoting plan 4962527776e8fcd8 of staging as it is")


@pytest.mark.parametrize("url", ["https://mirror.example/m.onnx", "https://h/m?sig=other"])
def test_a_secret_url_is_no_difference_for_the_digest_says_which_file_it_is(url: str) -> None:
    proven = with_value_at_key(H800, "model.source.url", "[secret]")
    target = with_value_at_key(H800, "model.source.url", url)

    assert promised(proven, target).pinned

    with pytest.raises(RefusedError, match=r"source\.sha256") as caught:
        promised(proven, with_value_at_key(target, "model.source.sha256", "a" * 64))
    assert url not in str(caught.value)


def test_who_may_ask_is_each_stacks_own_affair() -> None:
    proven = with_value_at_key(H800, "endpoint.clients", {"alice": "[secret]", "alice.next": "[secret]"})

    assert promised(proven, H800).pinned


def test_another_gpu_forces_a_build_and_says_so() -> None:
    values = committed("h800", serving={"image": TRITON}, nodePool={"gpuProduct": "NVIDIA-L4"})

    found = promised(H800, values)

    assert not found.pinned
    assert "a plan for NVIDIA-L4 is built here" in announcement(found, config_from_values(values, stack="prod"))


@pytest.mark.parametrize(
    ("pinned", "model"), [(True, {"name": "m", "plan": "4962527776e8fcd8"}), (False, {"name": "m"})]
)
def test_the_promised_plan_takes_the_place_of_any_other_pin(pinned: bool, model: dict[str, str]) -> None:  # noqa: FBT001 - a case
    values = {"densenet-triton:model": {"name": "m", "plan": "0" * 16}, "densenet-triton:gate": {}}

    deployed = promoted_values(Promised(subject=subject(), pinned=pinned), values)

    assert deployed == {"densenet-triton:model": model, "densenet-triton:gate": {}}
    assert values["densenet-triton:model"]["plan"] == "0" * 16


@pytest.mark.parametrize(
    "model",
    [
        {"labels": "./infra/data/imagenet_labels.txt", "workspaceMib": 4096, "buildImage": "model-build-tensorrt"},
        {"buildResources": {"cpu": "4"}, "buildTimeoutS": 3000, "plan": "0" * 16},
    ],
)
def test_a_default_spelled_out_and_what_changes_no_answer_are_no_difference(model: dict[str, Any]) -> None:
    assert promised_by_h800(model=model).subject == subject()


def test_another_model_is_refused() -> None:
    with pytest.raises(RefusedError, match="model differs between staging and prod: maxBatchSize: "):
        promised_by_h800(model={"maxBatchSize": 8})


def test_another_target_is_refused() -> None:
    with pytest.raises(RefusedError, match="target: onnxruntime -> tensorrt"):
        promised(DEV, H800)


def test_another_commit_is_refused() -> None:
    release = Release(id="20261123T011200Z", subject=subject(), config=deepcopy(H800))

    with pytest.raises(RefusedError, match=f"git checkout {'c' * 40}"):
        promised_from_release(release, config_from_values(H800, stack="prod"), commit="d" * 40)


@pytest.mark.parametrize(
    "image", ["mirror.example/triton:24.01@sha256:" + "0" * 64, "nvcr.io/nvidia/tritonserver:24.01-py3"]
)
def test_another_image_or_a_tag_is_refused_before_it_runs(image: str) -> None:
    with pytest.raises(
        RefusedError, match=rf"prod would run {image}, .* set densenet-triton:serving\.image: {TRITON}$"
    ):
        promised(committed("h800"), committed("h800", serving={"image": image}))


def test_the_same_digest_of_a_mirror_is_the_same_image() -> None:
    assert promised_by_h800(serving={"image": f"mirror.example/triton:24.01@{DIGEST}"}).pinned


def test_a_release_that_does_not_say_what_ran_is_refused() -> None:
    with pytest.raises(RefusedError, match="staging runs an image that is not known"):
        promised(DEV, DEV, images={})


def test_another_builder_is_refused() -> None:
    with pytest.raises(
        RefusedError, match=r"staging has model-build-tensorrt, prod has model-build; accepted: the same"
    ):
        promised_by_h800(model={"buildImage": "model-build"})


def test_a_loaded_image_goes_to_embedded_stacks_alone() -> None:
    assert promised(DEV, DEV, images=LOADED).pinned
    elsewhere = {"context": "mine", "registry": "registry.example/team"}
    with pytest.raises(RefusedError, match="has an id that is never a registry's digest"):
        promised(DEV, committed("dev", cluster=elsewhere), images=LOADED)


def test_our_own_tag_is_the_same_image_in_every_registry() -> None:
    here, there = (
        committed("dev", cluster={"context": "mine", "registry": name}) for name in ("a.example", "b.example/team")
    )

    assert promised(here, there).pinned


@pytest.mark.parametrize("images", [{}, {"verify": f"registry.example/triton@{DIGEST}"}])
def test_what_could_not_be_looked_at_is_not_what_was_promised(images: dict[str, str]) -> None:
    with pytest.raises(FailedError, match=r"what runs could not be looked at: container triton has no known image"):
        Promised(subject=subject(), pinned=False).require(subject(images=images))


@pytest.mark.parametrize(
    ("pinned", "found", "wrong"),
    [
        (True, subject(manifest_sha256="b" * 64), "manifest bbb"),
        (True, subject(plan_id="0" * 16), "plan 000"),
        (False, subject(images={"triton": f"other.example/triton@sha256:{2:064}"}), "container triton"),
    ],
)
def test_what_is_not_what_was_promised_fails(pinned: bool, found: Subject, wrong: str) -> None:  # noqa: FBT001 - a case
    with pytest.raises(FailedError, match=wrong):
        Promised(subject=subject(), pinned=pinned).require(found)


def test_the_same_digest_from_another_registry_is_what_was_promised() -> None:
    found = subject(images={"triton": f"other.example/triton@sha256:{1:064}"}, manifest_sha256="b" * 64)

    Promised(subject=subject(), pinned=False).require(found)
