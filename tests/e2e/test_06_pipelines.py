"""Every command of both pipelines but `make check`; only what would reach GitHub or GitLab has a stand-in."""

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.workspace import Workspace
from infra.images import content_tag
from local_cluster.layout import layout_from_name
from tests.e2e.test_01_up import plain_pulumi
from tests.guest.registry import USER, registry
from tests.pipelines import GITHUB, GITLAB, commands_of

BOTH = pytest.mark.parametrize("pipeline", [GITHUB, GITLAB], ids=["github", "gitlab"])
BOTH_AT_LENGTH = pytest.mark.parametrize(
    "pipeline", [GITHUB, pytest.param(GITLAB, marks=pytest.mark.long)], ids=["github", "gitlab"]
)
"""What takes a whole gate: `make test` runs GitHub's, and `make test-guest` GitLab's."""

STACKS = ("staging", "prod")
# GitHub and GitLab have no comment yet.
_GH = """#!/bin/sh
printf '%s\\n' "$@" > "$0.arguments"
case "$*" in *body=@*) cp evidence/comment.md "$0.input";; esac
"""
_CURL = """#!/bin/sh
printf '%s\\n' "$@" > "$0.arguments"
cat > "$0.input"
case "$*" in *per_page*) echo '[]';; esac
"""
_SUDO = """#!/bin/sh
exec "$@"
"""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """What GitHub's and GitLab's runners give a job: the checkout, variables, and programs to comment with.

    Attributes:
        workspace: whose clone is the checkout.
        folder: the runner's own; the programs' stand-ins note there what they are given.
        environment: what a job of either finds.
        gitlab: the variables of GitLab's project and its runner.
        github: what each of GitHub's expressions stands for.
    """

    workspace: Workspace
    folder: Path
    environment: dict[str, str]
    gitlab: dict[str, str]
    github: dict[str, str]

    def run(self, pipeline: Path, job: str) -> tuple[int, str]:
        """Run a job up to the first shell that fails; return its status and all that was printed."""
        environment = self.environment | (self.gitlab if pipeline == GITLAB else {})
        status, printed = 0, ""
        for script in commands_of(pipeline)[job]:
            result = script.run(self.workspace.folder, environment, values=self.github)
            status, printed = result.returncode, printed + result.stdout + result.stderr
            if status != 0:
                break
        return status, printed

    def given(self, program: str) -> tuple[list[str], str]:
        """Return a stand-in's arguments and its standard input."""
        arguments, text = (self.folder / f"{program}.{what}" for what in ("arguments", "input"))
        return arguments.read_text().splitlines(), text.read_text()

    def evidence(self, stack: str) -> set[Path]:
        """Return the folders of the runs on a stack."""
        return set((self.workspace.folder / "evidence" / stack).glob("*"))


@pytest.fixture(scope="module")
def runner(with_first: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A runner for the workspace's clone, in which both stacks are committed."""
    for stack in STACKS:
        with_first.write_stack(stack, gate={"pauseS": 2})
    with_first.commit("stacks")
    folder = tmp_path_factory.mktemp("runner")
    for program, text in (("gh", _GH), ("curl", _CURL), ("sudo", _SUDO)):
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
    yield runner_in(folder, with_first)
    for stack in reversed(STACKS):
        with_first.make("destroy", f"STACK={stack}")


def runner_in(folder: Path, workspace: Workspace) -> Runner:
    backend, passphrase = pulumi_s_choice(workspace)
    kubeconfig = layout_from_name(workspace.cluster).kubeconfig
    gitlab = {
        "STAGING": "staging",
        "PROD": "prod",
        "KUBECONFIG": str(kubeconfig),
        "PULUMI_BACKEND_URL": backend,
        "PULUMI_CONFIG_PASSPHRASE": passphrase,
        "GITLAB_TOKEN": "a-token",
        "CI_API_V4_URL": "https://gitlab.example/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
    }
    github = {
        "vars.STAGING": "staging",
        "vars.PROD": "prod",
        "vars.PULUMI_BACKEND_URL": backend,
        "secrets.KUBECONFIG": kubeconfig.read_text(),
        "secrets.PULUMI_ACCESS_TOKEN": "",  # what a secret that is not set comes to
        "secrets.PULUMI_CONFIG_PASSPHRASE": passphrase,
        "runner.temp": str(folder),
        "github.token": "a-token",
        "github.repository": "team/project",
        "github.event.pull_request.number": "7",
    }
    environment = workspace.environment | {
        "PATH": f"{folder}{os.pathsep}{workspace.environment['PATH']}",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    return Runner(workspace=workspace, folder=folder, environment=environment, gitlab=gitlab, github=github)


def pulumi_s_choice(workspace: Workspace) -> tuple[str, str]:
    """The backend and the passphrase that `make` has made for the workspace; a pipeline is told both."""
    ask = 'eval "$(make env STACK=staging)"; echo "$PULUMI_BACKEND_URL"; cat "$PULUMI_CONFIG_PASSPHRASE_FILE"'
    told = subprocess.run(
        ["bash", "-c", ask], cwd=workspace.folder, env=workspace.environment, check=True, capture_output=True, text=True
    )
    backend, passphrase = told.stdout.splitlines()
    return backend, passphrase


def test_a_pull_request_gets_the_preview_as_a_comment(runner: Runner) -> None:
    status, printed = runner.run(GITHUB, "preview")
    assert status == 0, printed

    preview = (runner.workspace.folder / "evidence" / "preview.md").read_text()
    arguments, comment = runner.given("gh")
    assert arguments[:5] == ["api", "--silent", "--method", "POST", "repos/team/project/issues/7/comments"]
    assert comment == preview
    assert "staging" in preview


def test_a_merge_request_gets_the_preview_as_a_note(runner: Runner) -> None:
    status, printed = runner.run(GITLAB, "preview")
    assert status == 0, printed

    arguments, header = runner.given("curl")
    assert arguments[-1] == "https://gitlab.example/api/v4/projects/3/merge_requests/7/notes"
    assert "body@evidence/preview.md" in arguments
    assert header == "PRIVATE-TOKEN: a-token\n"


@BOTH
def test_images_are_in_the_registry_before_the_gate(pipeline: Path, runner: Runner, tmp_path: Path) -> None:
    """With TLS of an authority of its own and a password, as a team's registry has them."""
    with registry(tmp_path, "127.0.0.1") as team:
        told = {"REGISTRY": f"{team.host}/team", "REGISTRY_USER": USER, "REGISTRY_PASSWORD": team.password}
        there = dataclasses.replace(
            runner,
            # skopeo's own variables: whom it trusts, and where a login stays that nobody else needs
            environment=runner.environment
            | {"SSL_CERT_FILE": str(team.authority), "REGISTRY_AUTH_FILE": str(tmp_path / "login.json")},
            gitlab=runner.gitlab | told,
            github=runner.github
            | {f"{'secrets' if name.endswith('PASSWORD') else 'vars'}.{name}": value for name, value in told.items()},
        )

        status, printed = there.run(pipeline, "images")

        assert status == 0, printed
        for image in ("triton-cpu", "model-build"):
            assert team.tags(f"team/{image}") == [content_tag(image, repository=runner.workspace.folder)]


@BOTH_AT_LENGTH
def test_main_is_gated_on_staging(pipeline: Path, runner: Runner) -> None:
    before = runner.evidence("staging")

    status, printed = runner.run(pipeline, "gate")
    assert status == 0, printed

    (run,) = runner.evidence("staging") - before
    assert {path.name for path in run.iterdir()} >= {"evidence.json", "junit.xml", "summary.md"}


@BOTH_AT_LENGTH
def test_what_staging_has_proven_is_promoted(pipeline: Path, runner: Runner) -> None:
    before = runner.evidence("prod")

    status, printed = runner.run(pipeline, "promote")
    assert status == 0, printed

    assert len(runner.evidence("prod") - before) == 1
    staging, prod = (plain_pulumi(runner.workspace, stack, "stack output planId") for stack in STACKS)
    assert staging == prod


def test_the_summary_of_a_run_stands_on_its_page(runner: Runner) -> None:
    oldest = min(runner.evidence("staging"))

    assert (oldest / "summary.md").read_text() in (runner.folder / "summary.md").read_text()


@BOTH
def test_a_refusal_ends_a_job_with_the_gate_s_own_status(pipeline: Path, runner: Runner) -> None:
    readme = runner.workspace.folder / "README.md"
    text = readme.read_text()
    readme.write_text(text + "not committed\n")

    try:
        status, printed = runner.run(pipeline, "gate")
    finally:
        readme.write_text(text)

    assert status == 1, printed
