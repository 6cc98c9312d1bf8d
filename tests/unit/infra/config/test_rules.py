"""What must hold between groups, and between the configuration and the repository."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from infra.config import OnnxSource, config_from_values
from infra.config.groups import LOCAL_CLUSTER
from infra.config.tls_rules import EMBEDDED_GATEWAY_PORT, EMBEDDED_SECURE_PORT, LOCAL_NAMES
from infra.errors import ConfigError
from local_cluster import pki
from local_cluster.layout import layout_from_name

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = hashlib.sha256(b"").hexdigest()  # of the file that stands for a model
FULL = "registry.example.org/triton"


def imagenet_classes(_: OnnxSource, __: Path) -> dict[str, Any]:
    return {"shape": [3, 224, 224], "classes": 1000, "wholeNumbers": False}


def fault(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config_from_values(values, stack="x", inspect=imagenet_classes)
    (line,) = caught.value.lines
    return line


def test_pods_of_another_cluster_cannot_read_this_disk(dev_values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    source = {"kind": "onnx", "url": f"file://{tmp_path}/m.onnx", "sha256": SHA256}
    dev_values["densenet-triton:model"]["source"] = source
    assert config_from_values(dev_values, stack="x", inspect=imagenet_classes).model.source.kind == "onnx"
    dev_values["densenet-triton:cluster"]["context"] = "production"
    assert "and the pods of context production cannot read this disk; accepted: https://" in fault(dev_values)


@pytest.mark.parametrize("url", ["file:///no/such.onnx", f"file:///{'m' * 5000}.onnx", "file:///m%00.onnx"])
def test_a_local_source_must_be_there(dev_values: dict[str, Any], url: str) -> None:
    source = {"kind": "onnx", "url": url, "sha256": SHA256}
    dev_values["densenet-triton:model"]["source"] = source
    assert "and there is no such file" in fault(dev_values)


@pytest.mark.parametrize("written", ["a%20%231.onnx", "a #1.onnx"])
@pytest.mark.parametrize("host", ["", "localhost"])
def test_a_local_source_may_be_percent_encoded(
    dev_values: dict[str, Any], tmp_path: Path, host: str, written: str
) -> None:
    (tmp_path / "a #1.onnx").touch()
    source = {"kind": "onnx", "url": f"file://{host}{tmp_path}/{written}", "sha256": SHA256}
    dev_values["densenet-triton:model"]["source"] = source
    read = config_from_values(dev_values, stack="x", inspect=imagenet_classes).model.source
    assert isinstance(read, OnnxSource)
    assert read.local_path == tmp_path / "a #1.onnx"
    assert read.url == f"file://{tmp_path}/a%20%231.onnx", "the build knows no host"


@pytest.mark.parametrize("port", [80, 8801])
def test_the_embedded_gateway_has_one_port(dev_values: dict[str, Any], port: int) -> None:
    dev_values["densenet-triton:endpoint"]["port"] = port
    assert fault(dev_values) == (
        f"Pulumi.x.yaml: densenet-triton:endpoint.port is {port}, and the embedded cluster's gateway listens on 8800;"
        " accepted: 8800; mend: in Pulumi.x.yaml set endpoint.port: 8800"
    )
    for context in ("embedded-test", "production"):
        dev_values["densenet-triton:cluster"]["context"] = context
        assert config_from_values(dev_values, stack="x").endpoint.port == port


@pytest.mark.parametrize("port", [None, 443, 8800])
def test_the_embedded_gateway_has_one_port_for_https(dev_values: dict[str, Any], port: int | None) -> None:
    dev_values["densenet-triton:endpoint"] |= {"port": port, "tls": {"local": True}}
    assert fault(dev_values) == (
        f"Pulumi.x.yaml: densenet-triton:endpoint.port is {port or 443}, and the embedded cluster's gateway listens for"
        " HTTPS on 8843; accepted: 8843; mend: in Pulumi.x.yaml set endpoint.port: 8843"
    )


def test_what_is_known_of_the_embedded_gateway_is_the_local_clusters() -> None:
    layout = layout_from_name(LOCAL_CLUSTER)
    assert (layout.gateway_port, layout.secure_gateway_port) == (EMBEDDED_GATEWAY_PORT, EMBEDDED_SECURE_PORT)
    (gateway,) = [found for found in pki.identities(layout) if found.file == pki.GATEWAY]
    assert (*gateway.addresses, *gateway.hosts) == LOCAL_NAMES


@pytest.mark.parametrize("image", ["triton-gpu", "triton:7", FULL, f"{FULL}@sha256:1234", "a b/c:1"])
@pytest.mark.parametrize(("group", "key"), [("serving", "image"), ("model", "buildImage")])
def test_an_image_that_nobody_can_pull(dev_values: dict[str, Any], group: str, key: str, image: str) -> None:
    dev_values[f"densenet-triton:{group}"][key] = image
    line = fault(dev_values)
    assert f"densenet-triton:{group}.{key} is " in line
    assert "accepted: model-build, model-build-tensorrt, triton-cpu, or a full reference" in line


@pytest.mark.parametrize("image", [f"{FULL}:7", f"{FULL}@sha256:{SHA256}", "localhost:5000/triton:1"])
def test_a_full_reference_is_accepted(dev_values: dict[str, Any], image: str) -> None:
    dev_values["densenet-triton:serving"]["image"] = image
    assert config_from_values(dev_values, stack="x").serving.image == image


@pytest.mark.parametrize(
    ("namespace", "releases", "mend"),
    [
        ("triton-dev", "triton-dev", "cluster.releasesNamespace: densenet-triton-releases"),
        ("densenet-triton-releases", "densenet-triton-releases", "cluster.namespace: triton-dev"),
    ],
)
def test_what_was_proven_is_not_removed_with_the_stack(
    dev_values: dict[str, Any], namespace: str, releases: str, mend: str
) -> None:
    dev_values["densenet-triton:cluster"] |= {"namespace": namespace, "releasesNamespace": releases}
    line = fault(dev_values)
    assert line.startswith(f"Pulumi.x.yaml: densenet-triton:{mend.partition(':')[0]} is {namespace}, and of")
    assert line.endswith(f"; mend: in Pulumi.x.yaml set {mend}")
    dev_values["densenet-triton:cluster"]["createNamespace"] = False
    assert config_from_values(dev_values, stack="x").cluster.releases_namespace == releases


def test_no_fault_moves_a_terminals_cursor(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:model"]["labels"] = "a\x1b[31m.txt"
    assert r"model.labels is a\x1b[31m.txt: No such file" in fault(dev_values)
