"""What a user may add to pods, and what is refused because the product sets it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.components.triton_pod import triton_arguments
from infra.config import config_from_values
from infra.config.pods import OWN_FLAGS
from infra.errors import ConfigError

SERVING = "densenet-triton:serving"


def faults(values: dict[str, Any], **serving: Any) -> list[str]:
    try:
        config_from_values(values | {SERVING: values[SERVING] | serving}, stack="x")
    except ConfigError as error:
        return str(error).splitlines()
    return []


def test_what_is_added_is_taken_as_it_is_written(dev_values: dict[str, Any]) -> None:
    added = {
        "extraArguments": ["--log-verbose=1", "--backend-config=onnxruntime,default-max-batch-size=4"],
        "environment": {"CUDA_MODULE_LOADING": "LAZY", "EMPTY": ""},
        "labels": {"team": "vision", "example.org/cost-centre": "4711", "empty": ""},
        "annotations": {"sidecar.istio.io/inject": "false", "note": "with spaces: \u2603"},
    }
    serving = config_from_values(dev_values | {SERVING: dev_values[SERVING] | added}, stack="x").serving
    assert serving.extra_arguments == tuple(added["extraArguments"])
    assert (serving.environment, serving.labels, serving.annotations) == (
        added["environment"],
        added["labels"],
        added["annotations"],
    )


def test_every_flag_that_the_product_sets_is_known(dev_values: dict[str, Any]) -> None:
    arguments = triton_arguments(config_from_values(dev_values, stack="x").serving)
    assert {argument.removeprefix("--").partition("=")[0] for argument in arguments} <= OWN_FLAGS


@pytest.mark.parametrize(
    "flag", ["--http-port=9", "--http-p=9", "--model-repository=/x", "--allow-metrics", "--load-model=*"]
)
def test_a_flag_of_the_products_is_refused_however_short(dev_values: dict[str, Any], flag: str) -> None:
    (line,) = faults(dev_values, extraArguments=["--log-verbose=1", flag])
    assert line.startswith(
        f"Pulumi.x.yaml: densenet-triton:serving.extraArguments has {flag.partition('=')[0]}, and the"
    )
    assert line.endswith("mend: in Pulumi.x.yaml set serving.extraArguments: [--log-verbose=1]")


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("extraArguments", "--log-verbose=1", "is no list"),
        ("extraArguments", ["--log-verbose", "1"], "has a second item that is no flag"),
        ("extraArguments", [1], "has a first item that is no flag"),
        ("environment", ["A=1"], "is no group of keys with text"),
        ("environment", {"POD_UID": "guessed"}, "has POD_UID, which the product sets"),
        ("environment", {"A-B": "hunter2"}, "has the key 'A-B'"),
        ("environment", {"TOKEN": 5}, "has TOKEN with something that is no text"),
        ("labels", {"app.kubernetes.io/name": "mine"}, "has app.kubernetes.io/name, which the product sets"),
        ("labels", {"densenet-triton/plan": "x"}, "has densenet-triton/plan, which the product sets"),
        ("labels", {"a/b/c": "x"}, "has the key 'a/b/c'"),
        ("labels", {"team": "vision and more"}, "has team with a text that it can't have"),
        ("annotations", {"karpenter.sh/do-not-disrupt": "false"}, "has karpenter.sh/do-not-disrupt, which the product"),
        ("annotations", {"pulumi.com/skipAwait": "true"}, "has pulumi.com/skipAwait, which the product sets"),
        ("sharedMemoryMib", 0, "is 0"),
        ("priorityClass", "High!", 'is "High!"'),
    ],
)
def test_what_is_refused_is_named_in_one_line_and_no_value_is_shown(
    dev_values: dict[str, Any], key: str, value: object, found: str
) -> None:
    (line,) = faults(dev_values, **{key: value})
    assert line.startswith(f"Pulumi.x.yaml: densenet-triton:serving.{key} {found}")
    assert "; accepted: " in line
    assert "hunter2" not in line
