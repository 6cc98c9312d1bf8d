import json
from pathlib import PurePosixPath
from typing import Any

import pytest

from contract.expectation import Expectation
from model_build.errors import InputsError
from model_build.spec import (
    OnnxSource,
    PackageSource,
    PictureSpec,
    PrebuiltSource,
    Spec,
    TensorRTSpec,
    spec_from_json,
)
from model_build.tensorrt.device import BatchProfile

SHA256 = "a" * 64
DOCUMENT: dict[str, Any] = {
    "stack": "dev.triton-dev",
    "planId": "0123456789abcdef",
    "engineId": None,
    "model": "densenet_tensorrt",
    "maxBatchSize": 0,
    "target": "onnxruntime",
    "precision": "fp32",
    "source": {"kind": "package", "name": "efficientnet-lite0"},
    "preprocessing": None,
    "expect": [{"sha256": SHA256, "url": None, "class": 504, "label": "COFFEE MUG", "top": [504, 968], "margin": 0.5}],
    "pinned": False,
    "tensorrt": None,
}
TENSORRT: dict[str, Any] = {
    "gpuProduct": "NVIDIA-H800",
    "batchProfile": {"typical": 8, "largest": 64},
    "workspaceMib": 4096,
    "instances": 1,
}


def picture(**changes: Any) -> dict[str, Any]:
    return {"sha256": SHA256, "url": None, "class": 1, "label": None, "top": [], "margin": 0} | changes


def spec(*, source_url: str | None = "https://h/m", **changes: Any) -> Spec:
    return spec_from_json(json.dumps(DOCUMENT | changes), source_url=source_url)


def test_every_value_is_read() -> None:
    assert spec() == Spec(
        stack="dev.triton-dev",
        plan_id="0123456789abcdef",
        engine_id=None,
        model="densenet_tensorrt",
        max_batch_size=0,
        target="onnxruntime",
        precision="fp32",
        source=PackageSource(name="efficientnet-lite0"),
        preprocessing=None,
        expect=(
            PictureSpec(
                sha256=SHA256,
                url=None,
                expectation=Expectation(class_index=504, label="COFFEE MUG", top=(504, 968), margin=0.5),
            ),
        ),
        pinned=False,
        tensorrt=None,
    )


def test_what_a_plan_is_compiled_for_is_read() -> None:
    assert spec(target="tensorrt", precision="fp16", maxBatchSize=64, tensorrt=TENSORRT).tensorrt == TensorRTSpec(
        gpu_product="NVIDIA-H800",
        profile=BatchProfile(smallest=1, typical=8, largest=64),
        workspace_mib=4096,
        instances=1,
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"tensorrt": None}, "tensorrt is null; accepted: an object for target tensorrt, null for any other"),
        ({"target": "onnxruntime"}, "tensorrt is {}; accepted: an object for target tensorrt, null for any other"),
        ({"maxBatchSize": 65}, "maxBatchSize is 65; accepted: at most tensorrt.batchProfile.largest, 64"),
        ({"tensorrt": TENSORRT | {"gpuProduct": "NVIDIA H800"}}, 'tensorrt.gpuProduct is "NVIDIA H800"; accepted: the'),
        ({"tensorrt": TENSORRT | {"workspaceMib": 0}}, "tensorrt.workspaceMib is 0; accepted: 1 or more"),
        ({"tensorrt": TENSORRT | {"instances": 0}}, "tensorrt.instances is 0; accepted: 1 or more"),
        ({"tensorrt": TENSORRT | {"colour": 1}}, "tensorrt.colour is not a known key"),
        (
            {"tensorrt": TENSORRT | {"batchProfile": {"typical": 9, "largest": 8}}},
            'tensorrt.batchProfile is {"typical": 9, "largest": 8}; accepted: 1 ≤ typical ≤ largest',
        ),
        ({"tensorrt": TENSORRT | {"batchProfile": {"typical": 0, "largest": 8}}}, "accepted: 1 ≤ typical ≤ largest"),
    ],
)
def test_a_plan_that_cannot_be_compiled_so_is_a_fault(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputsError) as raised:
        spec(**{"target": "tensorrt", "tensorrt": TENSORRT} | changes)
    assert fault in str(raised.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"kind": "onnx", "sha256": SHA256}, OnnxSource(url="https://h/m", sha256=SHA256)),
        (
            {"kind": "onnx", "sha256": SHA256, "output": "logits", "imageSize": [320, 240]},
            OnnxSource(url="https://h/m", sha256=SHA256, output="logits", image_size=(320, 240)),
        ),
        (
            {"kind": "prebuilt", "path": "uploads/one", "sha256": SHA256},
            PrebuiltSource(path=PurePosixPath("uploads/one"), sha256=SHA256),
        ),
    ],
)
def test_each_kind_of_source_is_read(source: dict[str, Any], expected: object) -> None:
    assert spec(source=source).source == expected


@pytest.mark.parametrize(
    "url", ["https://models.example/m.onnx?sig=x", "https://me:hunter2@models.example/m.onnx", "file:///models/m.onnx"]
)
def test_a_sources_url_is_no_part_of_the_text(url: str) -> None:
    source = {"kind": "onnx", "sha256": SHA256}
    assert spec(source=source, source_url=url).source == OnnxSource(url=url, sha256=SHA256)
    with pytest.raises(InputsError, match=r"source\.url is not a known key"):
        spec(source=source | {"url": url}, source_url=url)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (None, 'source.url is ""; accepted: https://host/file'),
        ("https://h/a b", "percent-encoded"),
        ("http://h/m", 'source.url is "http://h/m"'),
        ("file://host/m", "source.url is"),
    ],
)
def test_a_source_is_fetched_from_a_url(url: str | None, fault: str) -> None:
    with pytest.raises(InputsError) as raised:
        spec(source={"kind": "onnx", "sha256": SHA256}, source_url=url)
    assert fault in str(raised.value)


def test_several_pictures_are_read_in_their_order() -> None:
    first, second = spec(expect=[picture(), picture(url="https://h/mug.jpg?sig=x", sha256="b" * 64)]).expect
    assert (first.shown, first.expectation) == (SHA256, Expectation(class_index=1))
    assert second.shown == "https://h/mug.jpg?…"


@pytest.mark.parametrize("preprocessing", ["inception", {"resize": 256, "scale": 1}])
def test_the_preprocessing_is_kept_as_it_is_declared(preprocessing: object) -> None:
    """Whether it fits is known when the model is."""
    assert spec(preprocessing=preprocessing).preprocessing == preprocessing


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"planId": "0123"}, 'planId is "0123"; accepted: 16 lower-case hex digits'),
        ({"stack": "../up"}, 'stack is "../up"; accepted: letters, digits'),
        ({"model": "../up"}, 'model is "../up"'),
        ({"maxBatchSize": -1}, "maxBatchSize is -1; accepted: a whole number, 0 or more"),
        ({"maxBatchSize": True}, "maxBatchSize is true"),
        ({"maxBatchSize": "8"}, 'maxBatchSize is "8"'),
        ({"pinned": 1}, "pinned is 1; accepted: true or false"),
        ({"colour": "blue"}, "colour is not a known key"),
        ({"engineId": "0123"}, 'engineId is "0123"; accepted: 16 lower-case hex digits, or null'),
        ({"source": "package"}, 'source is "package"; accepted: an object'),
        ({"source": {"kind": "torch"}}, 'source.kind is "torch"; accepted: package, onnx, prebuilt'),
        ({"source": {"kind": "package", "name": "vgg"}}, 'source.name is "vgg"; accepted: efficientnet-lite0'),
        ({"source": {"kind": "package", "name": "efficientnet-lite0", "url": "x"}}, "source.url is not a known key"),
        ({"source": {"kind": "onnx", "sha256": SHA256, "imageSize": [1]}}, "source.imageSize is"),
        ({"source": {"kind": "onnx"}}, "source.sha256 is missing"),
        ({"source": {"kind": "onnx", "sha256": SHA256.upper()}}, "source.sha256 is"),
        ({"source": {"kind": "prebuilt", "path": "../up", "sha256": SHA256}}, "source.path is"),
        ({"source": {"kind": "prebuilt", "path": "/etc", "sha256": SHA256}}, "source.path is"),
        ({"expect": [picture(label="")]}, 'expect.0.label is ""'),
        ({"expect": [picture(), {}]}, "expect.1.class is missing"),
        ({"expect": [picture(margin=-1)]}, "expect.0.margin is -1; accepted: a number, 0 or more"),
        ({"expect": [picture(url="http://h/mug.jpg")]}, 'expect.0.url is "http://h/mug.jpg"'),
        ({"expect": []}, "expect is []; accepted: a list of one object or more"),
    ],
)
def test_a_fault_names_its_key(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputsError) as raised:
        spec(**changes)
    assert fault in str(raised.value)
    assert "\n" not in str(raised.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputsError) as raised:
        spec(planId=7, maxBatchSize=None, source={"kind": "onnx"}, expect=[{"class": -1}], source_url="ftp://h/m")
    for key in ("planId", "maxBatchSize", "source.url", "source.sha256", "expect.0.class"):
        assert f"{key} is" in str(raised.value)


def test_a_missing_group_is_told_once() -> None:
    with pytest.raises(InputsError) as raised:
        spec_from_json(json.dumps({key: value for key, value in DOCUMENT.items() if key != "expect"}))
    assert str(raised.value) == "spec.json: expect is missing; accepted: a list of one object or more"


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InputsError, match=r"spec.json"):
        spec_from_json(text)


def test_a_url_s_user_and_password_are_not_shown() -> None:
    with pytest.raises(InputsError) as raised:
        spec(source={"kind": "onnx", "sha256": SHA256}, source_url="http://me:hunter2@h/m?sig=secret")
    assert "source.url is" in str(raised.value)
    assert not [secret for secret in ("me:", "hunter2", "sig=secret") if secret in str(raised.value)]
