"""The group `cluster`: what it says, and that it can be read by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from infra.config import REPOSITORY, cluster_from_yaml, config_from_values
from infra.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("context", "name"),
    [("embedded", "embedded"), ("embedded-test", "embedded-test"), ("embeddedx", None), ("prod", None)],
)
def test_local_clusters_are_known_by_their_context(dev_values: dict[str, Any], context: str, name: str | None) -> None:
    dev_values["densenet-triton:cluster"]["context"] = context
    assert config_from_values(dev_values, stack="dev").cluster.local_name == name


def written(folder: Path, values: object) -> Path:
    path = folder / "Pulumi.x.yaml"
    path.write_text(yaml.safe_dump({"config": values}), encoding="utf-8")
    return path


def test_the_cluster_is_read_whatever_is_wrong_elsewhere(dev_values: dict[str, Any], tmp_path: Path) -> None:
    cluster = config_from_values(dev_values, stack="x").cluster
    dev_values["densenet-triton:model"]["labels"] = "no/labels.txt"
    dev_values["densenet-triton:serving"] = 3
    del dev_values["densenet-triton:storage"]
    assert cluster_from_yaml(written(tmp_path, dev_values)) == cluster


def test_every_fault_of_the_cluster_is_named(dev_values: dict[str, Any], tmp_path: Path) -> None:
    dev_values["densenet-triton:cluster"] = {"context": "", "namespaces": "x"}
    with pytest.raises(ConfigError) as caught:
        cluster_from_yaml(written(tmp_path, dev_values))
    assert [" ".join(line.split()[:3]) for line in caught.value.lines] == [
        "Pulumi.x.yaml: densenet-triton:cluster.context is",
        "Pulumi.x.yaml: densenet-triton:cluster.namespace is",
        "Pulumi.x.yaml: densenet-triton:cluster.namespaces is",
    ]


def test_a_cluster_that_is_not_there(dev_values: dict[str, Any], tmp_path: Path) -> None:
    del dev_values["densenet-triton:cluster"]
    with pytest.raises(ConfigError, match="densenet-triton:cluster is missing"):
        cluster_from_yaml(written(tmp_path, dev_values))
    with pytest.raises(ConfigError, match="there is no such file"):
        cluster_from_yaml(tmp_path / "Pulumi.y.yaml")


@pytest.mark.parametrize(
    ("kubeconfig", "path"),
    [
        (None, None),
        ("/srv/kubeconfig", "/srv/kubeconfig"),
        ("~/.kube/mine", "/home/somebody/.kube/mine"),
        ("mine", str(REPOSITORY / "mine")),
        ("~nobody-of-this-name/x", str(REPOSITORY / "~nobody-of-this-name/x")),
    ],
)
def test_a_kubeconfig_may_be_relative_to_home_or_to_the_repository(
    dev_values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kubeconfig: str | None, path: str | None
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    dev_values["densenet-triton:cluster"]["kubeconfig"] = kubeconfig
    found = config_from_values(dev_values, stack="dev").cluster.kubeconfig_path
    assert (found and str(found)) == path
