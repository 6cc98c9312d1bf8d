import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from deploy import operations
from deploy.cluster import Cluster
from deploy.operations import Deployment
from infra.images import reference


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, list[str]]]:
    """What the tools are asked for, and what must succeed before; nothing is made."""
    told: list[tuple[bool, list[str]]] = []

    def ensure_tools(*, embedded: bool, first: Sequence[str]) -> dict[str, str]:
        told.append((embedded, list(first)))
        return {}

    monkeypatch.setattr(operations, "ensure_tools", ensure_tools)
    return told


def test_the_machine_is_looked_at_before_anything_is_installed_or_built(asked: list[tuple[bool, list[str]]]) -> None:
    Deployment("dev").check()

    assert asked == [(True, [sys.executable, "-m", "local_cluster", "--name", "embedded", "check"])]


def test_nothing_of_the_embedded_cluster_is_asked_of_a_cluster_of_ones_own(
    asked: list[tuple[bool, list[str]]], tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text((operations.ROOT / "Pulumi.h800.yaml").read_text())

    Deployment("mine", file=file).check()

    assert asked == [(False, [])]


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


def test_make_up_works_on_a_stack_that_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    @contextlib.contextmanager
    def held(_cluster: Cluster, run: str, **_: object) -> Iterator[None]:
        done.append(f"hold: {run}")
        yield
        done.append("let go")

    monkeypatch.delenv("DENSENET_TRITON_LEASE", raising=False)
    monkeypatch.setattr(operations, "held_lease", held)
    monkeypatch.setattr(operations, "deployment_environment", lambda _tools: {})
    monkeypatch.setattr(Deployment, "exclusive", lambda *_, **__: contextlib.nullcontext())
    for step in ("check", "make_ready", "settle", "apply", "prove"):
        monkeypatch.setattr(Deployment, step, lambda *_, step=step: done.append(step))

    Deployment("dev").up()

    assert done == ["check", "make_ready", "hold: make-up", "settle", "apply", "prove", "let go"]


def test_what_a_gate_runs_within_its_lease_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENSENET_TRITON_LEASE", "a-host/boot/1 12/3 20261123T011200Z")
    monkeypatch.setattr(operations, "held_lease", lambda *_, **__: pytest.fail("it would wait for its own gate"))

    with Deployment("dev").held("make-up"):
        pass
