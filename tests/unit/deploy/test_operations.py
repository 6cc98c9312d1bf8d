import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import operations, target
from deploy.cluster import Cluster
from deploy.commands import ROOT
from deploy.errors import DeployError
from deploy.operations import Deployment
from deploy.pulumi.stack import PulumiStack
from infra.config import StackValues, stack_values_from_yaml
from infra.errors import ConfigError


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, list[str]]]:
    """What the tools are asked for, and what must succeed before; nothing is made."""
    told: list[tuple[bool, list[str]]] = []

    def ensure_tools(*, embedded: bool, first: Sequence[str] = ()) -> dict[str, str]:
        told.append((embedded, list(first)))
        return {}

    monkeypatch.setattr(target, "ensure_tools", ensure_tools)
    return told


@pytest.mark.usefixtures("read")
def test_the_machine_is_looked_at_before_anything_is_installed_or_built(asked: list[tuple[bool, list[str]]]) -> None:
    Deployment("dev").check()

    assert asked == [(True, [sys.executable, "-m", "local_cluster", "--name", "embedded", "check"])]


@pytest.mark.usefixtures("read")
def test_nothing_of_the_embedded_cluster_is_asked_of_a_cluster_of_ones_own(
    asked: list[tuple[bool, list[str]]], tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text((ROOT / "Pulumi.h800.yaml").read_text())

    Deployment("mine", file=file).check()

    assert asked == [(False, [])]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stacks whose values Pulumi is asked for; it has other values than the file: one that YAML reads otherwise."""
    asked: list[str] = []

    def values(stack: PulumiStack) -> StackValues:
        asked.append(stack.name)
        found = stack_values_from_yaml(ROOT / "Pulumi.dev.yaml")
        return replace(found, values={**found.values, "densenet-triton:gate": {"pauseS": 7}})

    monkeypatch.setattr(target, "values_as_pulumi_reads", values)
    monkeypatch.setattr(target, "deployment_environment", lambda _tools: {})
    return asked


def test_pulumi_says_what_the_values_are_once_it_is_there_and_is_asked_once(
    asked: list[tuple[bool, list[str]]], read: list[str]
) -> None:
    deployment = Deployment("dev")
    assert (deployment.config.gate.pause_s, read) == (60, [])

    deployment.check()

    assert (deployment.config.gate.pause_s, read, len(asked)) == (7, ["dev"], 1)


def test_a_typo_in_a_plain_file_is_said_before_anything_is_installed(
    asked: list[tuple[bool, list[str]]], read: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text((ROOT / "Pulumi.h800.yaml").read_text().replace("replicas: 1", "replicas: none"))

    with pytest.raises(ConfigError, match=r"serving\.replicas"):
        Deployment("mine", file=file).check()

    assert (asked, read) == ([], [])


@pytest.mark.parametrize("addition", ["environment: [team/prod]\n", "  densenet-triton:x: {secure: v1:abc}\n"])
def test_pulumi_is_made_ready_first_for_a_file_that_is_not_plain(
    asked: list[tuple[bool, list[str]]], read: list[str], tmp_path: Path, addition: str
) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text((ROOT / "Pulumi.dev.yaml").read_text() + addition)

    Deployment("acme/densenet-triton/mine", file=file).check()

    assert [embedded for embedded, _ in asked] == [False, True]
    assert read == ["acme/densenet-triton/mine"]


def test_a_cluster_that_is_too_old_is_said_before_anything_else_of_it_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "prepare_embedded", lambda *_: None)
    monkeypatch.setattr(Cluster, "await_answer", lambda _cluster: '{"major": "1", "minor": "29+"}')
    monkeypatch.setattr(operations, "require_nodes", lambda *_: pytest.fail("the nodes were looked at"))
    monkeypatch.setattr(target, "deployment_environment", lambda _tools: {})

    with pytest.raises(DeployError, match=r"is of Kubernetes 1\.29, .*accepted: Kubernetes 1\.30 or newer"):
        Deployment("dev").make_ready()


def test_make_up_works_on_a_stack_that_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    @contextlib.contextmanager
    def held(_cluster: Cluster, run: str, **_: object) -> Iterator[None]:
        done.append(f"hold: {run}")
        yield
        done.append("let go")

    monkeypatch.delenv("DENSENET_TRITON_LEASE", raising=False)
    monkeypatch.setattr(operations, "held_lease", held)
    monkeypatch.setattr(target, "deployment_environment", lambda _tools: {})
    monkeypatch.setattr(Deployment, "exclusive", lambda *_, **__: contextlib.nullcontext())
    for step in ("check", "make_ready", "settle", "apply", "prove"):
        monkeypatch.setattr(Deployment, step, lambda *_, step=step: done.append(step))

    Deployment("dev").up()

    assert done == ["check", "make_ready", "hold: make-up", "settle", "apply", "prove", "let go"]


def test_the_claim_is_looked_at_in_a_state_that_speaks_of_this_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim of a cluster that is gone would else keep its stack from a new one."""
    done: list[str] = []
    monkeypatch.setattr(target, "deployment_environment", lambda _tools: {})
    monkeypatch.setattr(operations.Tenancy, "require_own", lambda _tenancy: bool(done.append("whose namespace")))
    monkeypatch.setattr(operations.Whereabouts, "note", lambda *_, **__: None)
    monkeypatch.setattr(operations, "require_same_claim", lambda _config, state: done.append(f"claim of {state}"))
    monkeypatch.setattr(operations, "put_back", lambda state, *_, **__: done.append(f"drift of {state}"))
    monkeypatch.setattr(
        operations, "end_unknown_build", lambda _config, state, _cluster: done.append(f"job of {state}")
    )
    monkeypatch.setattr(PulumiStack, "state", lambda _stack: f"{'new' if 'refresh' in done else 'old'} state")
    monkeypatch.setattr(PulumiStack, "with_access", lambda _stack, state, _config: done.append("way in") or state)
    monkeypatch.setattr(PulumiStack, "refresh", lambda _stack: done.append("refresh"))
    monkeypatch.setattr(PulumiStack, "settle", lambda _stack, state: f"settled {state}")

    Deployment("dev").settle()

    settled = "settled new state"
    assert done[:3] == ["whose namespace", "way in", "refresh"]
    assert done[3:] == [f"claim of {settled}", f"drift of {settled}", f"job of {settled}"]


def test_what_a_gate_runs_within_its_lease_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DENSENET_TRITON_LEASE", "a-host/boot/1 12/3 20261123T011200Z")
    monkeypatch.setattr(operations, "held_lease", lambda *_, **__: pytest.fail("it would wait for its own gate"))

    with Deployment("dev").held("make-up"):
        pass
