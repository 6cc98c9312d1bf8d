"""What a stack is called on its storage, what its plan and its engine are addressed by, and what the build is told."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from infra import images
from infra.config import REPOSITORY, config_from_values
from infra.release import build_spec, release_from_config, source_url, stack_key

if TYPE_CHECKING:
    from pathlib import Path

    from infra.release import Release

MODEL = "densenet-triton:model"
SHA256 = "b" * 64
BY_DIGEST = f"registry.example/builder@sha256:{SHA256}"


def release(values: dict[str, Any], **model: Any) -> Release:
    changed = values | {MODEL: values[MODEL] | model}
    return release_from_config(config_from_values(changed, stack="dev"))


def spec(values: dict[str, Any], **model: Any) -> dict[str, Any]:
    config = config_from_values(values | {MODEL: values[MODEL] | model}, stack="dev")
    return build_spec(config, release_from_config(config))


def test_no_two_stacks_of_a_storage_have_one_key(dev_values: dict[str, Any]) -> None:
    keys = {stack_key(config_from_values(dev_values, stack=stack)) for stack in ("dev", "staging")}
    for key, value in (("context", "other"), ("namespace", "triton-other")):
        values = dev_values | {"densenet-triton:cluster": dev_values["densenet-triton:cluster"] | {key: value}}
        keys.add(stack_key(config_from_values(values, stack="dev")))
    assert len(keys) == 4
    assert "dev.triton-dev.9289140b" in keys


def test_two_stacks_share_a_plan_and_its_engine(h800_values: dict[str, Any]) -> None:
    configs = [config_from_values(h800_values, stack=stack) for stack in ("h800", "staging")]
    found = {(release_from_config(config).plan_id, release_from_config(config).engine_id) for config in configs}
    assert len(found) == 1


def test_what_lies_around_an_engine_changes_the_plan_alone(h800_values: dict[str, Any], tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    lines = (REPOSITORY / "infra/data/imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    labels.write_text("\n".join(["FISH", *lines[1:]]), encoding="utf-8")
    expect = h800_values[MODEL]["expect"]
    cup = {"image": "smoke_tests/data/cup.png", "class": 968}
    found = [
        release(h800_values),
        release(h800_values, labels=str(labels)),
        release(h800_values, instances=2),
        release(h800_values, name="another"),
        release(h800_values, preprocessing="caffe"),
        release(h800_values, expect=expect | {"also": [cup]}),
        release(h800_values, expect=expect | {"also": [cup | {"margin": 0.5}]}),
        release(h800_values, expect=expect | {"top": [504]}),
    ]
    assert len({one.plan_id for one in found}) == len(found)
    assert len({one.engine_id for one in found}) == 1


@pytest.mark.parametrize(("one", "other", "same"), [(0, 1, True), (2, 64, True), (1, 2, False)])
def test_an_engine_of_one_image_is_none_of_batches(
    h800_values: dict[str, Any], one: int, other: int, *, same: bool
) -> None:
    engines = {release(h800_values, maxBatchSize=size).engine_id for size in (one, other)}
    assert len(engines) == (1 if same else 2)


def test_what_an_engine_is_compiled_from_and_for_changes_both(h800_values: dict[str, Any]) -> None:
    source = h800_values[MODEL]["source"]
    patched = h800_values | {"densenet-triton:serving": h800_values["densenet-triton:serving"] | {"replicas": 2}}
    found = [
        release(h800_values),
        release(h800_values, source=source | {"sha256": SHA256}),
        release(h800_values, source=source | {"output": "fc6_1"}),
        release(h800_values, source=source | {"imageSize": 224}),
        release(h800_values, source={"kind": "package", "name": "efficientnet-lite0"}, preprocessing="inception"),
        release(h800_values, source={"kind": "package", "name": "efficientnet-lite1"}, preprocessing="inception"),
        release(h800_values, precision="tf32"),
        release(h800_values, workspaceMib=2048),
        release(h800_values, maxBatchSize=64),
        release(h800_values, maxBatchSize=64, batchProfile={"typical": 4, "largest": 64}),
        release(h800_values, buildImage=BY_DIGEST),
    ]
    assert len({one.plan_id for one in found}) == len(found)
    assert len({one.engine_id for one in found}) == len(found)
    assert release(patched) == found[0], "how many serve it is nothing to a plan"


def test_where_a_model_lies_is_nothing_to_its_plan(h800_values: dict[str, Any]) -> None:
    moved = h800_values[MODEL]["source"] | {"url": "https://mirror.example/densenet-7.onnx"}
    assert release(h800_values, source=moved) == release(h800_values)
    assert spec(h800_values, source=moved) == spec(h800_values)


def test_one_image_a_request_needs_no_batches(h800_values: dict[str, Any]) -> None:
    assert release(h800_values, batchProfile={"typical": 4, "largest": 8}) == release(h800_values)


def test_a_size_is_one_number_or_two(h800_values: dict[str, Any]) -> None:
    source = h800_values[MODEL]["source"]
    short = release(h800_values, source=source | {"imageSize": 224})
    assert short == release(h800_values, source=source | {"imageSize": [224, 224]})


def test_the_default_preprocessing_is_the_same_when_it_is_spelled_out(dev_values: dict[str, Any]) -> None:
    assert release(dev_values, preprocessing=None) == release(dev_values)


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The content tags of the project's images; a checkout with other code of the build has other ones."""
    tags = ["before"]
    monkeypatch.setattr(images, "content_tag", lambda *_, **__: tags[-1])
    return tags


def test_the_projects_own_build_code_counts_where_it_builds(h800_values: dict[str, Any], checkout: list[str]) -> None:
    before = [release(h800_values), release(h800_values, buildImage=BY_DIGEST)]
    checkout.append("after")
    after = [release(h800_values), release(h800_values, buildImage=BY_DIGEST)]
    assert after[0].plan_id != before[0].plan_id
    assert after[0].engine_id != before[0].engine_id
    assert after[1] == before[1]


def test_on_cpu_and_prebuilt_and_pinned_no_engine_is_compiled(
    dev_values: dict[str, Any], h800_values: dict[str, Any]
) -> None:
    assert release(dev_values).engine_id is None
    prebuilt = {"kind": "prebuilt", "path": "uploads/densenet", "sha256": SHA256}
    assert release(h800_values, source=prebuilt).engine_id is None
    pinned = release(h800_values, plan="00112233aabbccdd")
    assert (pinned.plan_id, pinned.engine_id) == ("00112233aabbccdd", None)


def test_what_the_build_is_told(dev_values: dict[str, Any]) -> None:
    found = spec(dev_values)
    picture = hashlib.sha256((REPOSITORY / "smoke_tests/data/mug.png").read_bytes()).hexdigest()
    assert found == {
        "stack": "dev.triton-dev.9289140b",
        "planId": release(dev_values).plan_id,
        "engineId": None,
        "model": "efficientnet_lite0",
        "maxBatchSize": 0,
        "target": "onnxruntime",
        "precision": "fp32",
        "pinned": False,
        "source": {"kind": "package", "name": "efficientnet-lite0"},
        "preprocessing": {"resize": 256, "scale": 1, "mean": 127, "std": 128},
        "expect": [{"sha256": picture, "url": None, "class": 504, "label": "COFFEE MUG", "top": [], "margin": 0.0}],
        "tensorrt": None,
    }


def test_what_the_build_of_a_plan_is_told(h800_values: dict[str, Any]) -> None:
    source = h800_values[MODEL]["source"] | {"imageSize": 224}
    found = spec(h800_values, source=source, preprocessing=None, precision="tf32", instances=2)
    assert found["engineId"] == release(h800_values, source=source, precision="tf32").engine_id
    assert found["source"] == {"kind": "onnx", "sha256": source["sha256"], "output": None, "imageSize": [224, 224]}
    assert found["preprocessing"] is None
    assert found["expect"] == [
        {
            "sha256": "8a995147a2fbd92b1994317efb131549bbe183f65a5aa0baad84bb4e9ff9aa5e",
            "url": h800_values[MODEL]["expect"]["image"]["url"],
            "class": 504,
            "label": "COFFEE MUG",
            "top": [504, 968, 505],
            "margin": 0.0,
        }
    ]
    assert found["tensorrt"] == {
        "gpuProduct": "NVIDIA-H800",
        "batchProfile": {"typical": 8, "largest": 64},
        "workspaceMib": 4096,
        "instances": 2,
    }


def test_where_a_model_lies_is_told_apart_from_what_it_is(
    h800_values: dict[str, Any], dev_values: dict[str, Any]
) -> None:
    secret = h800_values[MODEL]["source"] | {"url": "https://models.example/m.onnx?sig=hunter2"}
    h800_values[MODEL] |= {"source": secret}
    assert "hunter2" not in str(spec(h800_values))
    assert source_url(config_from_values(h800_values, stack="h800")) == secret["url"]
    assert source_url(config_from_values(dev_values, stack="dev")) is None


def test_a_registry_is_nothing_to_a_plan(h800_values: dict[str, Any]) -> None:
    moved = h800_values | {
        "densenet-triton:cluster": h800_values["densenet-triton:cluster"] | {"registry": "other:5000"}
    }
    here, there = release(h800_values), release(moved)
    assert (there.plan_id, there.engine_id) == (here.plan_id, here.engine_id)
    assert there.builder_image.startswith("other:5000/model-build-tensorrt:")
