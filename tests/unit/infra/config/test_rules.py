"""What must hold between groups, and between the configuration and the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.config import config_from_values
from infra.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.unit

SHA256 = "b" * 64
FULL = "registry.example.org/triton"


def fault(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from_values(values, stack="x")
    (line,) = caught.value.lines
    return line


def test_pods_of_another_cluster_cannot_read_this_disk(dev_values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    source = {"kind": "onnx", "url": f"file://{tmp_path}/m.onnx", "sha256": SHA256}
    dev_values["densenet-triton:model"]["source"] = source
    assert config_from_values(dev_values, stack="x").model.source.kind == "onnx"
    dev_values["densenet-triton:cluster"]["context"] = "production"
    assert "and the pods of context production cannot read this disk; accepted: https://" in fault(dev_values)


def test_a_local_source_must_be_there(dev_values: dict[str, Any]) -> None:
    source = {"kind": "onnx", "url": "file:///no/such.onnx", "sha256": SHA256}
    dev_values["densenet-triton:model"]["source"] = source
    assert "and there is no such file" in fault(dev_values)


def test_a_gateway_class_that_cannot_limit_is_named(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:endpoint"]["gatewayClass"] = "istio"
    assert fault(dev_values) == (
        "Pulumi.x.yaml: densenet-triton:endpoint.maxBodyBytes is 16777216: gateway class istio cannot enforce"
        " maxBodyBytes; accepted: no limit, or gateway class traefik;"
        " mend: pulumi config rm --stack x --path 'densenet-triton:endpoint.maxBodyBytes'"
    )
    del dev_values["densenet-triton:endpoint"]["maxBodyBytes"]
    assert config_from_values(dev_values, stack="x").endpoint.max_body_bytes is None


@pytest.mark.parametrize("image", ["triton-gpu", "triton:24.01", FULL, f"{FULL}@sha256:1234", "a b/c:1"])
@pytest.mark.parametrize(("group", "key"), [("serving", "image"), ("model", "buildImage")])
def test_an_image_that_nobody_can_pull(dev_values: dict[str, Any], group: str, key: str, image: str) -> None:
    dev_values[f"densenet-triton:{group}"][key] = image
    line = fault(dev_values)
    assert f"densenet-triton:{group}.{key} is " in line
    assert "accepted: model-build, triton-cpu, or a full reference" in line


@pytest.mark.parametrize("image", [f"{FULL}:24.01", f"{FULL}@sha256:{SHA256}", "localhost:5000/triton:1"])
def test_a_full_reference_is_accepted(dev_values: dict[str, Any], image: str) -> None:
    dev_values["densenet-triton:serving"]["image"] = image
    assert config_from_values(dev_values, stack="x").serving.image == image
