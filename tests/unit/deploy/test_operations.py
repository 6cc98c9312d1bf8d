import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from deploy import operations
from deploy.cluster import Cluster
from deploy.errors import StepFailedError
from deploy.operations import Deployment
from infra.images import reference


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are run, each without its Python, and the tools that are asked for; none really runs."""
    told: list[list[str]] = []

    def ensure_tools(*, embedded: bool) -> dict[str, str]:
        told.append(["tools", "embedded" if embedded else "own"])
        return {}

    def run(command: Sequence[str], environment: Mapping[str, str]) -> None:
        assert command[0] == sys.executable
        assert environment is os.environ
        told.append(list(command[2:]))

    monkeypatch.setattr(operations, "run", run)
    monkeypatch.setattr(operations, "ensure_tools", ensure_tools)
    return told


def test_the_machine_is_looked_at_before_anything_is_installed_or_built(steps: list[list[str]]) -> None:
    Deployment("dev").check()

    assert steps == [["local_cluster", "--name", "embedded", "check"], ["tools", "embedded"]]


def test_on_a_machine_that_can_not_carry_the_cluster_nothing_is_installed(
    steps: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(command: Sequence[str], _environment: Mapping[str, str]) -> None:
        steps.append(list(command[2:]))
        raise StepFailedError("status 1")

    monkeypatch.setattr(operations, "run", refuse)

    with pytest.raises(StepFailedError):
        Deployment("dev").up()

    assert steps == [["local_cluster", "--name", "embedded", "check"]]


def test_nothing_of_the_embedded_cluster_is_asked_of_a_cluster_of_ones_own(
    steps: list[list[str]], tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text((operations.ROOT / "Pulumi.h800.yaml").read_text())

    Deployment("mine", file=file).check()

    assert steps == [["tools", "own"]]


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
