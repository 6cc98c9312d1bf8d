from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy import embedded
from deploy.cluster import Cluster
from deploy.embedded import prepare_embedded
from infra.config import config_from_stack_values, stack_values_from_yaml
from infra.images import reference

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(("built", "starts"), [(True, 1), (False, 2)])
def test_the_cluster_is_started_before_images_are_built_and_once_where_they_are(
    monkeypatch: pytest.MonkeyPatch, *, built: bool, starts: int
) -> None:
    config = config_from_stack_values(stack_values_from_yaml(ROOT / "Pulumi.dev.yaml"))
    done: list[object] = []

    def build(images: list[str], **_: str) -> Mapping[str, Path]:
        done.append("images")
        return {image: Path(f"/{image}.tar") for image in images}

    monkeypatch.setattr(embedded, "are_built", lambda *_arguments, **_named: built)
    monkeypatch.setattr(embedded, "build_images", build)
    monkeypatch.setattr(Cluster, "start", lambda _cluster, images=None: done.append(images))

    prepare_embedded(config, Cluster(config=config.cluster, environment={}))

    serving = reference("triton-cpu", "localhost")
    loaded = {
        serving: Path("/triton-cpu.tar"),
        reference("model-build", "localhost", serving=serving): Path("/model-build.tar"),
    }
    assert done == [*([None] * (starts - 1)), "images", loaded]
