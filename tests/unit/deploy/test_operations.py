import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy import operations
from deploy.cluster import Cluster
from deploy.errors import DeployError
from deploy.operations import Deployment
from infra.images import reference


def test_without_root_nothing_is_built_for_the_embedded_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[bool] = []
    monkeypatch.setattr(operations, "ensure_tools", lambda *, embedded: built.append(embedded))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(DeployError, match="'embedded' is the embedded cluster, which needs root") as caught:
        Deployment("dev").up()

    assert built == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("built", "starts"), [(True, 1), (False, 2)])
def test_the_cluster_is_started_before_images_are_built_and_once_where_they_are(
    monkeypatch: pytest.MonkeyPatch, *, built: bool, starts: int
) -> None:
    done: list[object] = []

    def build(images: list[str], **_: str) -> Mapping[str, Path]:
        done.append("images")
        return {image: Path(f"/{image}.tar") for image in images}

    monkeypatch.setattr(operations, "are_built", lambda *_arguments, **_named: built)
    monkeypatch.setattr(operations, "build_images", build)
    monkeypatch.setattr(Cluster, "start", lambda _cluster, images=None: done.append(images))
    monkeypatch.setattr(Cluster, "await_answer", lambda _cluster: "uid-1")
    monkeypatch.setattr(operations, "require_nodes", lambda *_: None)
    monkeypatch.setattr(operations, "deployment_environment", lambda _tools: {})

    assert Deployment("dev").make_ready() == "uid-1"

    serving = reference("triton-cpu", "localhost")
    loaded = {
        serving: Path("/triton-cpu.tar"),
        reference("model-build", "localhost", serving=serving): Path("/model-build.tar"),
    }
    assert done == [*([None] * (starts - 1)), "images", loaded]
