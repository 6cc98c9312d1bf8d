from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate import program as module
from gate.cluster.releases import Release
from gate.program import ReleaseProgram, environment_elsewhere
from tests.unit.gate.runs import subject

CONFIG = {
    "densenet-triton:cluster": {"context": "c", "namespace": "triton-staging", "kubeconfig": "then"},
    "densenet-triton:model": {"name": "densenet_tensorrt"},
}


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], Path]]:
    made: list[tuple[Sequence[str], Path]] = []

    def note(command: Sequence[str], _environment: Any, *, cwd: Path) -> None:
        made.append((command, cwd))

    monkeypatch.setattr(module, "run", note)
    return made


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ReleaseProgram:
    def lay_out(commit: str, folder: Path, _environment: Any) -> Path:
        (folder / commit).mkdir(exist_ok=True)
        return folder / commit

    monkeypatch.setattr(module, "program_of_commit", lay_out)
    release = Release(id="20261123T011200Z", subject=subject(), config=CONFIG)
    return ReleaseProgram(release=release, folder=tmp_path, kubeconfig=Path("/today/kubeconfig"))


def test_it_has_its_commits_packages_and_its_own_configuration(
    program: ReleaseProgram, commands: list[tuple[Sequence[str], Path]]
) -> None:
    program.prepare()
    program.apply()

    folder = program.folder / ("c" * 40)
    assert written(folder)["densenet-triton:model"] == {"name": "densenet_tensorrt", "plan": subject().plan_id}
    assert written(folder)["densenet-triton:cluster"]["kubeconfig"] == "/today/kubeconfig"
    assert (commands[0][0][1:], commands[0][1]) == (["-m", "tools", "venv"], folder)
    assert program.release.config == CONFIG


@pytest.mark.usefixtures("commands")
def test_a_stack_without_a_kubeconfig_leaves_it_to_the_variable(program: ReleaseProgram) -> None:
    program.prepare()
    replace(program, kubeconfig=None).apply()

    folder = program.folder / ("c" * 40)
    assert written(folder)["densenet-triton:cluster"] == {"context": "c", "namespace": "triton-staging"}


@pytest.mark.usefixtures("commands")
def test_another_release_of_the_same_commit_does_not_change_what_is_deployed(program: ReleaseProgram) -> None:
    program.prepare()
    other = program.release.model_copy(update={"subject": subject(plan_id="0" * 16)})
    replace(program, release=other).apply()

    program.apply()

    folder = program.folder / ("c" * 40)
    assert written(folder)["densenet-triton:model"]["plan"] == subject().plan_id


def written(folder: Path) -> Any:
    return yaml.safe_load((folder / "Pulumi.staging.yaml").read_text())["config"]


@pytest.mark.parametrize(
    ("name", "here", "elsewhere"),
    [
        ("KUBECONFIG", "one:/a/two::~", "/check out/one:/a/two::/check out/~"),
        ("PULUMI_CONFIG_PASSPHRASE_FILE", "secret", "/check out/secret"),
        ("PULUMI_HOME", "", ""),
        ("XDG_STATE_HOME", "../state", "/check out/../state"),
        ("PULUMI_BACKEND_URL", "file://./st%20ate", "file:///check%20out/st%20ate"),
        ("PULUMI_BACKEND_URL", "file://state", "file:///check%20out/state"),
        ("PULUMI_BACKEND_URL", "file:///state", "file:///state"),
        ("PULUMI_BACKEND_URL", "file://~/state", "file://~/state"),
        ("PULUMI_BACKEND_URL", "s3://bucket", "s3://bucket"),
        ("OTHER", "path", "path"),
    ],
)
def test_the_environment_means_the_same_in_another_folder(name: str, here: str, elsewhere: str) -> None:
    assert environment_elsewhere({name: here}, Path("/check out")) == {name: elsewhere}


def test_it_is_deployed_and_proven_by_its_own_python(
    program: ReleaseProgram, commands: list[tuple[Sequence[str], Path]], tmp_path: Path
) -> None:
    program.prepare()
    commands.clear()
    program.apply()
    program.prove(tmp_path / "junit.xml")

    folder = tmp_path / ("c" * 40)
    python = str(folder / ".venv" / "bin" / "python")
    assert [command[:5] for command, _ in commands] == [
        [python, "-m", "deploy", "up", "--stack=staging"],
        [python, "-m", "deploy", "prove", "--stack=staging"],
    ]
    assert {cwd for _, cwd in commands} == {folder}
