"""Faults of the configuration: each is one line, all are named at once, and each says what mends it."""

from __future__ import annotations

import dataclasses
import json
import math
import socket
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pydantic.alias_generators import to_camel

from infra.config import REPOSITORY, OnnxSource, config_from_values, config_from_yaml
from infra.config.from_pulumi import config_from_pulumi
from infra.config.group import Group
from infra.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHA256 = "b" * 64


def set_at(values: dict[str, Any], key: str, value: object) -> None:
    """Set a dotted key, such as ``model.expect.class``."""
    group, *inner = key.split(".")
    place: Any = values
    for part in [f"densenet-triton:{group}", *inner][:-1]:
        place = place[part]
    place[[f"densenet-triton:{group}", *inner][-1]] = value


def faults(values: Mapping[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config_from_values(values, stack="dev")
    return caught.value.lines


def mended(values: dict[str, Any], mend: str) -> bool:
    """Do what a fault's mend says: set a dotted key to a value that is written as YAML."""
    key, _, value = mend.partition(": ")
    group, *inner = key.removeprefix("densenet-triton:").split(".")
    path: list[Any] = [f"densenet-triton:{group}", *(int(part) if part.isdigit() else part for part in inner)]
    place: Any = values
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = yaml.safe_load(value)
    return config_from_values(values, stack="dev").stack == "dev"


def fault(values: Mapping[str, Any]) -> str:
    (line,) = faults(values)
    return line


def test_the_committed_stack_is_right() -> None:
    config = config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")
    assert config.stack == "dev"
    assert config.cluster.local_name == "embedded"
    assert config.model.expect.class_ == 504
    assert len(config.inputs.labels) == 1000
    (picture,) = config.inputs.pictures
    assert picture.expectation.label == "COFFEE MUG"
    assert picture.data is not None
    assert picture.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("Pulumi.*.yaml")), ids=lambda path: str(path.name))
def test_every_committed_stack_is_right_without_a_network(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_: socket.socket, address: object) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert config_from_yaml(path).inputs.pictures[0].expectation.class_index == 504


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("Pulumi.*.yaml")), ids=lambda path: str(path.name))
def test_what_is_read_can_be_written_and_read_again(path: Path) -> None:
    config = config_from_yaml(path)
    groups = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    values = {
        f"densenet-triton:{to_camel(name)}": group.model_dump(mode="json", by_alias=True)
        for name, group in groups.items()
        if isinstance(group, Group)
    }
    assert config_from_values(values, stack=config.stack) == config


def test_a_stack_with_the_model_that_is_gone_is_mended_by_one_edit(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "model.source", {"kind": "fixture"})
    line = fault(dev_values)
    assert line == (
        "Pulumi.dev.yaml: densenet-triton:model.source is of kind fixture, the model with made-up weights that earlier"
        " versions built, which is gone; accepted: kind package, which has real weights (efficientnet-lite0,"
        " efficientnet-lite1, efficientnet-lite2), onnx or prebuilt;"
        " mend: in Pulumi.dev.yaml set model.source: {kind: package, name: efficientnet-lite0}"
    )
    assert mended(dev_values, line.partition(" set ")[2])


@pytest.mark.parametrize(
    ("key", "written", "mend"),
    [
        ("model.source", {"kind": "s3"}, "model.source: {kind: package, name: efficientnet-lite0}"),
        ("model.source", {"name": "efficientnet-lite1"}, "model.source.kind: package"),
        ("model.source", {"kind": "ONNX", "url": "https://h/m", "sha256": SHA256}, "model.source.kind: onnx"),
        ("storage", {"kind": "claims"}, "storage.kind: claim"),
    ],
)
def test_a_kind_that_is_none_is_mended_by_the_one_that_the_other_keys_are_of(
    dev_values: dict[str, Any], key: str, written: dict[str, Any], mend: str
) -> None:
    if key == "storage":
        dev_values["densenet-triton:storage"] = written
    else:
        set_at(dev_values, key, written)
    assert fault(dev_values).endswith(f"; mend: in Pulumi.dev.yaml set {mend}")
    assert mended(dev_values, mend)


def test_the_program_reads_the_same(dev_values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    handed = {key: json.dumps(value) for key, value in dev_values.items()} | {"other:key": "plain text"}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(handed))
    monkeypatch.setattr("pulumi.get_stack", lambda: "dev")
    assert config_from_pulumi() == config_from_yaml(REPOSITORY / "Pulumi.dev.yaml")


def test_an_unknown_key_is_named_with_the_keys_there_are(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "endpoint.maxBodySize", 3)
    assert fault(dev_values) == (
        "Pulumi.dev.yaml: densenet-triton:endpoint.maxBodySize is not a key (it holds 3);"
        " accepted: gateway, gatewayClass, port, tls, hostname, admit, clients, acceptPlainHttp, limits, jsonBodies,"
        " timeoutS;"
        " mend: remove endpoint.maxBodySize from Pulumi.dev.yaml"
    )


def test_a_wrong_type_is_named_with_a_value_that_is_right(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "serving.replicas", "two")
    assert fault(dev_values) == (
        'Pulumi.dev.yaml: densenet-triton:serving.replicas is "two"; accepted: a whole number;'
        " mend: in Pulumi.dev.yaml set serving.replicas: 1"
    )


def test_a_missing_sha256_is_named(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "model.source", {"kind": "onnx", "url": "https://example.org/model.onnx"})
    assert fault(dev_values) == (
        "Pulumi.dev.yaml: densenet-triton:model.source.sha256 is missing; accepted: SHA-256 of the file, as `sha256sum`"
        " prints it; mend: in Pulumi.dev.yaml set model.source.sha256: <64 hex digits>"
    )


def test_a_missing_group_is_mended_by_an_example(dev_values: dict[str, Any]) -> None:
    del dev_values["densenet-triton:cluster"]
    assert fault(dev_values) == (
        "Pulumi.dev.yaml: densenet-triton:cluster is missing; accepted: The cluster and the place in it;"
        " mend: in Pulumi.dev.yaml set densenet-triton:cluster: {context: embedded, namespace: triton-dev}"
    )


def test_an_unknown_group_is_named(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:nodepool"] = {}
    assert fault(dev_values) == (
        "Pulumi.dev.yaml: densenet-triton:nodepool is not a key (it holds {});"
        " accepted: cluster, nodePool, storage, model, serving, endpoint, gate;"
        " mend: remove densenet-triton:nodepool from Pulumi.dev.yaml"
    )


@pytest.mark.parametrize(
    ("group", "old", "new"),
    [("model", "maxBatchSize", "max_batch_size"), ("endpoint", "gatewayClass", "gateway_class")],
)
def test_keys_have_one_spelling(dev_values: dict[str, Any], group: str, old: str, new: str) -> None:
    values = dev_values[f"densenet-triton:{group}"]
    values[new] = values.pop(old)
    assert f"densenet-triton:{group}.{new} is not a key" in fault(dev_values)


def test_the_expected_class_is_not_spelled_as_python_does(dev_values: dict[str, Any]) -> None:
    expect = dev_values["densenet-triton:model"]["expect"]
    expect["class_"] = expect.pop("class")
    assert [line.split()[1].rpartition(".")[2] for line in faults(dev_values)] == ["class", "class_"]


def test_a_group_has_one_spelling(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:node_pool"] = dev_values.pop("densenet-triton:nodePool")
    assert [line.split()[1] for line in faults(dev_values)] == [
        "densenet-triton:nodePool",
        "densenet-triton:node_pool",
    ]


@pytest.mark.parametrize("group", ["cluster", "nodePool", "storage", "model", "serving", "endpoint"])
@pytest.mark.parametrize("written", [3, "text", [], None])
def test_a_group_that_is_none_is_mended_by_an_example(dev_values: dict[str, Any], group: str, written: object) -> None:
    dev_values[f"densenet-triton:{group}"] = written
    line = fault(dev_values)
    assert "; accepted: a group of keys; mend: in Pulumi.dev.yaml set densenet-triton:" in line
    assert mended(dev_values, line.partition(" set ")[2])


def test_what_yaml_knows_and_json_does_not(dev_values: dict[str, Any]) -> None:
    values = yaml.safe_load("{registry: 2024-01-01, 3: x}")
    dev_values["densenet-triton:cluster"] |= values
    dev_values[3] = "x"
    assert "densenet-triton:cluster.3 is not a key" in fault(dev_values)


def test_keys_of_other_pulumi_packages_are_none_of_ours(dev_values: dict[str, Any]) -> None:
    dev_values["kubernetes:context"] = "somewhere"
    assert config_from_values(dev_values, stack="dev").cluster.context == "embedded"


def test_all_faults_are_named_at_once(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "cluster.namespace", "Triton_Dev")
    set_at(dev_values, "serving.replicas", 0)
    set_at(dev_values, "serving.replicsa", 1)
    set_at(dev_values, "storage", {"kind": "s3"})
    set_at(dev_values, "endpoint.gatewayClass", "istio")
    set_at(dev_values, "model.expect.image", "no/such.png")
    keys = [line.split()[1].removeprefix("densenet-triton:") for line in faults(dev_values)]
    assert sorted(keys) == [
        "cluster.namespace",
        "endpoint.gatewayClass",
        "endpoint.limits.bodyBytes",
        "endpoint.limits.inFlight",
        "model.expect.image",
        "serving.replicas",
        "serving.replicsa",
        "storage.kind",
    ]


def test_a_fault_does_not_hide_another_in_its_group(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "model.name", "a/b")
    set_at(dev_values, "model.labels", "no/labels.txt")
    set_at(dev_values, "model.buildImage", "builder")
    set_at(dev_values, "model.plam", "0")
    keys = [line.split()[1].removeprefix("densenet-triton:") for line in faults(dev_values)]
    assert sorted(keys) == ["model.buildImage", "model.labels", "model.name", "model.plam"]


@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [
        ("cluster.namespace", "a.b", "a DNS label: a-z, 0-9 and '-', at most 63, no '-' at its ends"),
        ("cluster.context", "", "text that is not empty"),
        ("nodePool.kind", "autopilot", "existing, karpenter"),
        ("nodePool.gpuProduct", "NVIDIA H800", "the value of the nodes' label nvidia.com/gpu.product"),
        ("nodePool.spareGpus", -1, "at least 0"),
        ("storage.kind", None, "hostPath, claim, nfs"),
        ("storage.path", "storage", "an absolute path below '/', without '..'"),
        ("model.name", "a/b", "letters, digits, '_', '.' and '-', at most 128"),
        ("model.plan", "0123", "16 lower-case hex digits, in quotes"),
        ("model.target", "openvino", "'onnxruntime' or 'tensorrt'"),
        ("model.precision", "int8", "'fp32', 'tf32' or 'fp16'"),
        ("model.source.name", "resnet50", "efficientnet-lite0, efficientnet-lite1, efficientnet-lite2"),
        ("model.source.name", 5, "text"),
        ("model.preprocessing", 5, "imagenet, inception, caffe, or an object with resize, crop, scale, mean, std"),
        ("model.expect.image", 5, "text"),
        ("model.expect.image", {"sha256": SHA256, "url": "http://example.org/m.png"}, "https://host/file"),
        (
            "model.expect.image",
            {"sha256": SHA256, "url": "file:///m.png"},
            "https://host/file, without a user; for a picture on this disk its path",
        ),
        ("model.expect.top", 504, "a list of classes, whole numbers from 0"),
        ("model.expect.top", [504, -1], "a list of classes, whole numbers from 0"),
        ("model.expect.margin", "1", "a number"),
        ("model.expect.margin", -0.5, "at least 0"),
        ("model.expect.margin", math.inf, "a finite number"),
        ("model.expect.inception", "yes", "true or false"),
        ("model.expect.also", {}, "a list"),
        ("model.expect.also", ["cup.png"], "a group of keys"),
        ("model.expect.also", [{"image": 5, "class": 968}], "text"),
        ("model.expect.also", [{"image": "smoke_tests/data/cup.png", "class": -1}], "at least 0"),
        ("model.workspaceMib", 0, "at least 16"),
        ("model.batchProfile", {"typical": 65}, "1 to batchProfile.largest = 64"),
        ("model.maxBatchSize", -1, "at least 0"),
        ("model.expect.class", True, "a whole number"),
        ("serving.replicas", "2", "a whole number"),
        ("serving.gpusPerReplica", 17, "at most 16"),
        ("serving.runtimeClass", "NVIDIA", "a DNS name"),
        ("serving.resources", {"cpu": "1", "memory": "lots"}, "a Kubernetes quantity in quotes"),
        ("serving.replicas", 1.5, "a whole number"),
        ("cluster.registry", 5, "text"),
        ("cluster.kubeconfig", 5, "text"),
        ("cluster.kubeconfig", [], "text"),
        ("nodePool.selector", "gpu", "keys with text"),
        ("nodePool.selector", {"gpu": True}, "text"),
        ("nodePool.tolerations", "gpu", "a list"),
        ("nodePool.tolerations", [5], "a group of keys"),
        ("serving.imagePullSecrets", ["A_B"], "a DNS name"),
        ("serving.resources", "1Gi", "a group of keys"),
        ("model.source", "fixture", "a group of keys"),
        ("serving.shutdown.graceS", 8, "above preStopS + exitTimeoutS = 8"),
        ("serving.rolloutTimeoutS", 75, "above placementTimeoutS + startupTimeoutS = 75"),
        ("model.buildTimeoutS", 15, "at least 30"),
        ("endpoint.port", 70000, "at most 65535"),
    ],
)
def test_what_is_accepted_is_said(dev_values: dict[str, Any], key: str, value: object, accepted: str) -> None:
    set_at(dev_values, key, value)
    line = fault(dev_values)
    assert f"; accepted: {accepted}" in line
    mend = line.partition("; mend: in Pulumi.dev.yaml set ")[2]
    assert mended(dev_values, mend)


@pytest.mark.parametrize(("key", "value"), [("endpoint.hostname", "*.example.org"), ("model.expect.label", 5)])
def test_what_has_neither_example_nor_default_is_mended_by_leaving_it_out(
    dev_values: dict[str, Any], key: str, value: object
) -> None:
    set_at(dev_values, key, value)
    assert fault(dev_values).endswith(f"; mend: remove {key} from Pulumi.dev.yaml")
    group, *inner, last = key.split(".")
    place = dev_values[f"densenet-triton:{group}"]
    del (place[inner[0]] if inner else place)[last]
    assert config_from_values(dev_values, stack="dev").stack == "dev"


def test_a_number_that_is_too_small_for_another_is_the_one_that_is_named(dev_values: dict[str, Any]) -> None:
    del dev_values["densenet-triton:serving"]["rolloutTimeoutS"]
    set_at(dev_values, "serving.startupTimeoutS", 400)
    assert fault(dev_values) == (
        "Pulumi.dev.yaml: densenet-triton:serving.rolloutTimeoutS is 400;"
        " accepted: above placementTimeoutS + startupTimeoutS = 415;"
        " mend: in Pulumi.dev.yaml set serving.rolloutTimeoutS: 830"
    )


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"kind": "onnx", "url": "http://example.org/m.onnx", "sha256": SHA256}, "url"),
        ({"kind": "onnx", "url": "file://nas/m.onnx", "sha256": SHA256}, "url"),
        ({"kind": "onnx", "url": "file:m.onnx", "sha256": SHA256}, "url"),
        ({"kind": "onnx", "url": "https:///m.onnx", "sha256": SHA256}, "url"),
        ({"kind": "onnx", "url": "https://example.org/m.onnx", "sha256": SHA256.upper()}, "sha256"),
        ({"kind": "onnx", "url": "https://example.org/m.onnx", "sha256": SHA256[1:]}, "sha256"),
        ({"kind": "onnx", "url": "https://h/m", "sha256": SHA256, "imageSize": 0}, "imageSize"),
        ({"kind": "onnx", "url": "https://h/m", "sha256": SHA256, "imageSize": [224]}, "imageSize"),
        ({"kind": "onnx", "url": "https://h/m", "sha256": SHA256, "imageSize": [224, 16385]}, "imageSize"),
        ({"kind": "onnx", "url": "https://h/m", "sha256": SHA256, "imageSize": True}, "imageSize"),
        ({"kind": "onnx", "url": "https://h/m", "sha256": SHA256, "output": ""}, "output"),
        ({"kind": "prebuilt", "path": "../up", "sha256": SHA256}, "path"),
        ({"kind": "prebuilt", "path": "/absolute", "sha256": SHA256}, "path"),
    ],
)
def test_a_source_that_cannot_be(dev_values: dict[str, Any], source: dict[str, Any], key: str) -> None:
    set_at(dev_values, "model.source", source)
    assert f"densenet-triton:model.source.{key} is " in fault(dev_values)


@pytest.mark.parametrize(("written", "size"), [(None, None), (299, (299, 299)), ([1, 16384], (1, 16384))])
def test_a_size_is_one_number_or_a_pair(dev_values: dict[str, Any], written: object, size: object) -> None:
    source = {"kind": "onnx", "url": "https://h/m", "sha256": SHA256, "imageSize": written}
    set_at(dev_values, "model.source", source)
    set_at(dev_values, "model.preprocessing", "inception")
    read = config_from_values(dev_values, stack="dev").model.source
    assert isinstance(read, OnnxSource)
    assert read.height_and_width == size


def test_every_line_is_one_line(dev_values: dict[str, Any]) -> None:
    set_at(dev_values, "model.name", "a\nb" * 100)
    assert "\n" not in fault(dev_values)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file; .*; mend: cp .*Pulumi.dev.yaml"):
        config_from_yaml(tmp_path / "Pulumi.x.yaml")


@pytest.mark.parametrize("text", ["config: [", "", "config:\n", "- 1"])
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str) -> None:
    path = tmp_path / "Pulumi.x.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config_from_yaml(path)
    (line,) = caught.value.lines
    assert line.startswith(f"{path}: ")
    assert line.endswith(f"; mend: edit {path}")
