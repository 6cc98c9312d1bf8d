"""The gate on one stack: proven, refused, kept to one at a time, rolled back, pruned."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from PIL import Image

from bench.workspace import Workspace
from local_cluster.layout import layout_from_name
from tests.cluster.driver import ClusterDriver
from tests.e2e.test_01_up import plain_pulumi

STACK = "gated"
_MODEL = "densenet-triton:model"


@pytest.fixture(scope="module", autouse=True)
def _stack(workspace: Workspace) -> Iterator[None]:
    write(workspace)
    yield
    workspace.make("destroy", f"STACK={STACK}")


def write(
    workspace: Workspace, *, batch: int = 2, pause_s: int = 1, keep: int = 5, **changes: dict[str, object]
) -> None:
    """Write the stack's file; no other stack has its batch sizes, so that its plans are its own."""
    rules = {"pauseS": pause_s, "keepReleases": keep}
    workspace.write_stack(STACK, gate=rules, model={"maxBatchSize": batch}, **changes)


def gate(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    """Run a verb as a pipeline does, whose status `make` would hide; return it and what stands on standard error."""
    result = subprocess.run(
        command(workspace, *arguments), cwd=workspace.folder, env=workspace.environment,
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert "Traceback" not in result.stderr, result.stderr
    return result.returncode, result.stderr + (result.stdout if result.returncode else "")


def command(workspace: Workspace, *arguments: str) -> list[str]:
    return [str(workspace.folder / ".venv" / "bin" / "python"), "-m", "gate", *arguments]


def releases(workspace: Workspace) -> list[str]:
    lines = workspace.make("releases", f"STACK={STACK}").stdout.splitlines()
    return [line.split()[0] for line in lines[1:]]


def newest_run(workspace: Workspace) -> Path:
    return max((workspace.folder / "evidence" / STACK).iterdir())


def plan_of(workspace: Workspace) -> str:
    return plain_pulumi(workspace, STACK, "stack output planId").strip()


def published(workspace: Workspace) -> set[str]:
    return {path.name for path in (layout_from_name(workspace.cluster).storage / "repositories").iterdir()}


def test_the_first_gate_proves_while_another_run_is_refused(workspace: Workspace) -> None:
    write(workspace, pause_s=20)
    with subprocess.Popen(
        command(workspace, "run", "--stack", STACK), cwd=workspace.folder, env=workspace.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as first:  # fmt: skip
        assert first.stderr is not None
        said = next(line for line in first.stderr if "once more after a pause" in line)
        up = workspace.make("up", f"STACK={STACK}")
        status, stderr = gate(workspace, "run", "--stack", STACK)
        said += first.stderr.read()

    assert up.returncode != 0, up.stdout
    assert f"error: another run works on triton-{STACK}: run " in up.stderr
    assert status == 1, stderr
    assert f"another run works on triton-{STACK}: run " in stderr
    assert first.returncode == 0, said
    assert f"{STACK}: deployed and proven (status 0)" in said


def test_its_evidence_is_what_the_schema_says(workspace: Workspace) -> None:
    runs = [
        json.loads((run / "evidence.json").read_text()) for run in (workspace.folder / "evidence" / STACK).iterdir()
    ]
    schema = json.loads((workspace.folder / "gate" / "evidence" / "evidence.schema.json").read_text())
    (proven,) = [run for run in runs if run["verdict"]["status"] == 0]

    for run in runs:
        jsonschema.validate(run, schema)
    assert [smoke["when"] for smoke in proven["smoke"]] == ["after", "after the pause"]
    assert proven["candidate"]["planId"] == plan_of(workspace)
    assert proven["candidate"]["commit"] == workspace.git("rev-parse", "HEAD").strip()
    seconds = {phase["name"]: phase["seconds"] for phase in proven["phases"]}
    assert all(seconds[name] is not None for name in ("node", "pull", "build", "load", "warm-up", "ready", "proven"))
    assert releases(workspace) == [proven["run"]]


def test_what_a_policy_forbids_is_refused_before_anything_changes(workspace: Workspace) -> None:
    write(workspace, serving={"image": "registry.example/triton:mine"})

    status, stderr = gate(workspace, "run", "--stack", STACK)

    write(workspace)
    assert status == 1, stderr
    assert "registry.example/triton:mine" in stderr
    assert "digest" in stderr
    assert len(releases(workspace)) == 1


@pytest.mark.parametrize(("stack", "advisories"), [("h800", 1), ("h800-patched", 0)])
def test_the_policy_pack_refuses_images_by_tag(workspace: Workspace, stack: str, advisories: int) -> None:
    """The real engine runs the pack; what the committed stacks name is for the user to pin."""
    command = f'eval "$(make env STACK={stack})" && pulumi --non-interactive preview --policy-pack policy'
    result = subprocess.run(
        ["bash", "-c", command], cwd=workspace.folder, env=workspace.environment,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert result.returncode != 0
    assert result.stdout.count("[mandatory]  images-by-digest") == 1, result.stdout
    assert result.stdout.count("[advisory]  accepted-release") == advisories, result.stdout


def test_what_no_commit_holds_is_refused(workspace: Workspace) -> None:
    (workspace.folder / "new.py").touch()

    status, stderr = gate(workspace, "run", "--stack", STACK)

    (workspace.folder / "new.py").unlink()
    assert status == 1
    assert "the checkout has what no commit holds: new.py" in stderr


def test_a_release_that_is_not_kept_is_refused(workspace: Workspace) -> None:
    status, stderr = gate(workspace, "rollback", "--stack", STACK, "--to", "20000101T000000Z")

    assert status == 1
    assert f"make releases STACK={STACK} lists them" in stderr


def test_a_stack_that_no_gate_has_proven_is_not_promoted(workspace: Workspace) -> None:
    status, stderr = gate(workspace, "promote", "--from", "first", "--to", STACK)

    assert status == 1
    assert "stack first has no proven release to promote" in stderr


def test_a_rollback_brings_back_the_plan_and_proves_it(workspace: Workspace) -> None:
    (first,) = releases(workspace)
    before = plan_of(workspace)
    write(workspace, batch=4)
    status, stderr = gate(workspace, "run", "--stack", STACK)
    assert status == 0, stderr
    assert plan_of(workspace) != before
    assert "model.maxBatchSize: 2 -> 4" in (newest_run(workspace) / "summary.md").read_text()

    status, stderr = gate(workspace, "rollback", "--stack", STACK, "--to", first)

    assert status == 0, stderr
    assert plan_of(workspace) == before
    assert len(releases(workspace)) == 3
    assert f"brought back {first}" in workspace.make("releases", f"STACK={STACK}").stdout


def test_plans_that_nobody_names_are_pruned_and_no_other(workspace: Workspace) -> None:
    write(workspace, keep=1, batch=4)
    before, old = published(workspace), plan_of(workspace)
    named_by_first = plain_pulumi(workspace, "first", "stack output planId").strip()

    status, stderr = gate(workspace, "run", "--stack", STACK)

    assert status == 0, stderr
    assert len(releases(workspace)) == 1
    assert plan_of(workspace) in published(workspace)
    assert named_by_first in published(workspace)
    assert before - published(workspace) == {old}
    url = workspace.make("url", f"STACK={STACK}").stdout.strip()
    with urllib.request.urlopen(f"{url}/v2/models/efficientnet_lite0/ready", timeout=10) as response:
        assert response.status == 200


def test_a_first_deployment_stays_while_its_url_is_not_reached_and_goes_when_it_is_wrong(workspace: Workspace) -> None:
    """What is wrong the pods can't see: they know nothing of the other picture, which is a mug again."""
    stack, rules = "unreached", {"pauseS": 1}
    with Image.open(workspace.folder / "smoke_tests" / "data" / "mug.png") as mug:
        mug.save(workspace.folder / "mug_again.png", compress_level=1)
    workspace.commit("A mug that is called something else")
    model = {"maxBatchSize": 2}
    expect = yaml.safe_load((workspace.folder / "Pulumi.dev.yaml").read_text())["config"][_MODEL]["expect"]
    try:
        nowhere = {"hostname": "nowhere.invalid", "timeoutS": 5}
        workspace.write_stack(stack, gate=rules, model=model, endpoint=nowhere)
        status, stderr = gate(workspace, "run", "--stack", stack)

        assert status == 3, stderr
        assert "http://nowhere.invalid" in stderr
        assert "what was deployed stays, for its pods have proven their own answers: triton-" in stderr
        assert deployments(workspace, stack) == ["deployment.apps/triton"]

        expect = {"expect": expect | {"otherImage": "mug_again.png"}}
        workspace.write_stack(stack, gate=rules, model=model | expect)
        status, stderr = gate(workspace, "run", "--stack", stack)

        assert status == 3, stderr
        assert "test_other_image_is_of_another_class" in stderr
        assert "what was found wrong was taken away; nothing serves" in stderr
        assert deployments(workspace, stack) == []
    finally:
        workspace.make("destroy", f"STACK={stack}")
    runs = sorted((workspace.folder / "evidence" / stack).iterdir())
    ways = [json.loads((run / "evidence.json").read_text())["smoke"][0]["way"] for run in runs]
    assert ways == ["unreached", "open"]


def deployments(workspace: Workspace, stack: str) -> list[str]:
    cluster = ClusterDriver(workspace.cluster)
    return cluster.kubectl("get", "deployments", f"--namespace=triton-{stack}", "--output=name").split()


def test_wrong_arguments_change_nothing(workspace: Workspace) -> None:
    status, stderr = gate(workspace, "promote", "--from", "staging")

    assert status == 1
    assert "error: " in stderr
