"""The declared preprocessing is read at preview, and held against the model's shape where that is known."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infra.config import StackConfig, config_from_values
from infra.errors import ConfigError

MODEL = "densenet-triton:model"
PACKAGE = {"kind": "package", "name": "efficientnet-lite1"}
FETCHED = {"kind": "onnx", "url": "https://example.org/m.onnx", "sha256": "b" * 64}
LITE = {"resize": 272, "scale": 1, "mean": 127, "std": 128}


def configured(values: dict[str, Any], source: dict[str, Any], declared: object) -> StackConfig:
    values[MODEL] |= {"source": source, "preprocessing": declared}
    return config_from_values(values, stack="x")


def fault(values: dict[str, Any], source: dict[str, Any], declared: object) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(values, source, declared)
    (line,) = caught.value.lines
    return line.removeprefix("Pulumi.x.yaml: densenet-triton:")


def test_without_one_a_package_has_its_own_and_any_other_imagenets(dev_values: dict[str, Any]) -> None:
    assert configured(dev_values, PACKAGE, None).model.declared_preprocessing == LITE
    assert configured(dev_values, FETCHED, None).model.declared_preprocessing == "imagenet"
    assert configured(dev_values, PACKAGE, "caffe").model.declared_preprocessing == "caffe"
    assert configured(dev_values, PACKAGE, {}).model.declared_preprocessing == {}


@pytest.mark.parametrize(
    ("declared", "key", "mend"),
    [
        ("imagnet", "", f"set model.preprocessing: {yaml.safe_dump(LITE, sort_keys=False, default_flow_style=True)}"),
        ({"resize": 239}, ".resize", "set model.preprocessing.resize: 272"),
        ({"crop": 224}, ".crop", "set model.preprocessing.crop: [240, 240]"),
        ({"scale": 0}, ".scale", "set model.preprocessing.scale: 1.0"),
        ({"mean": [1, 2]}, ".mean", "set model.preprocessing.mean: [127.0, 127.0, 127.0]"),
        ({"std": [1, 0, 1]}, ".std", "set model.preprocessing.std: [128.0, 128.0, 128.0]"),
        ({"channels": "rbg"}, ".channels", "set model.preprocessing.channels: rgb"),
        ({"scale": "1/255", "std": "x"}, ".scale", "set model.preprocessing: {resize: 272, scale: 1, mean: 127, std"),
    ],
)
def test_what_does_not_fit_a_package_is_named_by_its_key(
    dev_values: dict[str, Any], declared: object, key: str, mend: str
) -> None:
    line = fault(dev_values, PACKAGE, declared)
    assert line.startswith(f"model.preprocessing{key} is ")
    assert f"; mend: in Pulumi.x.yaml {mend.strip()}" in line
    edit = yaml.safe_load(line.partition(" set ")[2])
    ((path, value),) = edit.items()
    inner = path.removeprefix("model.preprocessing").removeprefix(".")
    mended = declared | {inner: value} if inner and isinstance(declared, dict) else value
    assert configured(dev_values, PACKAGE, mended).stack == "x"


def test_a_key_that_is_none_is_removed(dev_values: dict[str, Any]) -> None:
    assert fault(dev_values, PACKAGE, {"size": 224}) == (
        "model.preprocessing.size is not a key; accepted: resize, crop, scale, mean, std, channels;"
        " mend: remove model.preprocessing.size from Pulumi.x.yaml"
    )


@pytest.mark.parametrize(
    "declared",
    [
        "caffe",
        {"mean": 0.5, "std": [0.5]},
        {"resize": 320, "crop": [299, 299]},
        {"resize": 16, "mean": [1, 2, 3]},
        {"crop": 28, "resize": 28},
    ],
)
def test_what_may_fit_a_model_that_nobody_has_seen_is_the_builds_to_say(
    dev_values: dict[str, Any], declared: object
) -> None:
    assert configured(dev_values, FETCHED, declared).stack == "x"


@pytest.mark.parametrize(
    ("declared", "key"),
    [
        ("torch", ""),
        ({"resize": 0}, ".resize"),
        ({"resize": 200, "crop": 224}, ".resize"),
        ({"crop": [1, 2, 3]}, ".crop"),
        ({"crop": 0}, ".crop"),
        ({"crop": True}, ".crop"),
        ({"mean": [1, 2, 3, 4]}, ".mean"),
        ({"std": 0}, ".std"),
    ],
)
def test_what_fits_no_model_is_refused_before_it_is_seen(
    dev_values: dict[str, Any], declared: object, key: str
) -> None:
    assert fault(dev_values, FETCHED, declared).startswith(f"model.preprocessing{key} is ")


@pytest.mark.parametrize(
    ("declared", "mend"),
    [
        ({"resize": [1, 2, 3]}, "model.preprocessing.resize: 256"),
        ({"crop": []}, "model.preprocessing.crop: [224, 224]"),
        ({"scale": 1e308}, "model.preprocessing.scale: 0.00392156862745098"),
        ({"crop": 299, "resize": 256}, "model.preprocessing.resize: 342"),
    ],
)
def test_the_mend_for_a_model_that_nobody_has_seen_is_for_the_usual_size(
    dev_values: dict[str, Any], declared: object, mend: str
) -> None:
    assert fault(dev_values, FETCHED, declared).endswith(f"; mend: in Pulumi.x.yaml set {mend}")


@pytest.mark.parametrize("key", ["", "mean", "channels"])
def test_nothing_secret_is_shown(dev_values: dict[str, Any], key: str) -> None:
    written = "https://somebody:hunter2@example.org/?sig=c2ln"
    line = fault(dev_values, PACKAGE, {key: written} if key else written)
    assert 'is "https://example.org/?…"; accepted: ' in line


def test_a_size_that_is_said_is_held_against_it(dev_values: dict[str, Any]) -> None:
    line = fault(dev_values, FETCHED | {"imageSize": 299}, {"resize": 256})
    assert line.startswith("model.preprocessing.resize is 256; accepted: 299 or more")
