import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from deploy import operations
from deploy.errors import StepFailedError
from deploy.operations import Deployment


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that are run, each without its Python; none really runs."""
    told: list[list[str]] = []

    def run(command: Sequence[str], environment: Mapping[str, str]) -> None:
        assert command[0] == sys.executable
        assert environment is os.environ
        told.append(list(command[2:]))

    monkeypatch.setattr(operations, "run", run)
    return told


def test_the_machine_is_looked_at_before_anything_is_installed_or_built(steps: list[list[str]]) -> None:
    Deployment("dev").check()

    assert steps[0] == ["local_cluster", "--name", "embedded", "check"]
    assert [step[:2] for step in steps[1:]] == [["tools", "debian"], ["tools", "build"]]


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

    assert steps == [["tools", "build", "--only", "pulumi"]]
