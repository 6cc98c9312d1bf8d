import json
import re
import subprocess
import urllib.request

from bench.workspace import Workspace

VERDICT = re.compile(
    r"^http://127\.0\.0\.1:\d+/triton-first\n"
    r"Image '\S*smoke_tests/data/mug\.png':\n"
    r"    \s*\d+\.\d{6} \(504\) = COFFEE MUG\n"
    r"    \s*\d+\.\d{6} \(968\) = CUP\n"
    r"    \s*\d+\.\d{6} \(647\) = MEASURING CUP\n\Z",
    re.MULTILINE,
)


def test_one_command_ends_with_the_classified_mug(workspace: Workspace) -> None:
    result = workspace.make("up", "STACK=first", timeout_s=3600)

    assert result.returncode == 0, result.stdout + result.stderr
    assert VERDICT.search(result.stdout), result.stdout


def test_a_second_up_changes_nothing(workspace: Workspace) -> None:
    result = workspace.make("up", "STACK=first")

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Resources:\n    \d+ unchanged\n", result.stdout), result.stdout


def test_a_preview_finds_nothing_to_change(workspace: Workspace) -> None:
    result = workspace.make("preview", "STACK=first")

    assert re.search(r"Resources:\n    \d+ unchanged\n", result.stdout), result.stdout + result.stderr


def test_the_url_is_printed_and_nothing_else(workspace: Workspace) -> None:
    url = workspace.make("url", "STACK=first").stdout

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/triton-first\n", url)
    with urllib.request.urlopen(f"{url.strip()}/v2/health/ready", timeout=10) as response:
        assert response.status == 200


def test_the_logs_are_tritons(workspace: Workspace) -> None:
    assert "Started HTTPService" in workspace.make("logs", "STACK=first").stdout


def test_the_status_names_every_component_and_the_url(workspace: Workspace) -> None:
    result = workspace.make("status", "STACK=first")

    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("etcd", "kube-apiserver", "kubelet", "traefik", "/triton-first", "efficientnet_lite0"):
        assert name in result.stdout


def test_the_outputs_are_what_a_pipeline_needs(workspace: Workspace) -> None:
    outputs = json.loads(plain_pulumi(workspace, "first", "stack output --json"))

    assert outputs["modelName"] == "efficientnet_lite0"
    assert outputs["namespace"] == "triton-first"
    assert outputs["manifest"]["planId"] == outputs["planId"]
    assert len(outputs["manifest"]["golden"]["pictures"][0]["scores"]) == 1000


def test_plain_pulumi_deploys_and_destroys_a_stack_of_its_own(workspace: Workspace) -> None:
    """Two replicas in batches, a side of the program that the first stack does not show."""
    workspace.write_stack("plain", model={"maxBatchSize": 4}, serving={"replicas": 2})

    assert "to create" in plain_pulumi(workspace, "plain", "preview")
    assert "created" in plain_pulumi(workspace, "plain", "up --yes --skip-preview")
    assert re.search(r"\d+ unchanged", plain_pulumi(workspace, "plain", "preview"))

    result = workspace.make("up", "STACK=plain")
    assert result.returncode == 0, result.stdout + result.stderr

    assert "deleted" in plain_pulumi(workspace, "plain", "destroy --yes")


def plain_pulumi(workspace: Workspace, stack: str, command: str) -> str:
    """What `pulumi` prints to a user who has set the shown environment."""
    return in_shown_environment(workspace, stack, f"pulumi --non-interactive {command}")


def in_shown_environment(workspace: Workspace, stack: str, command: str) -> str:
    """What a command prints to a user who has set the shown environment."""
    result = subprocess.run(
        ["bash", "-c", f'eval "$(make env STACK={stack})" && {command}'],
        cwd=workspace.folder, env=workspace.environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_checkout_stays_as_it_was(workspace: Workspace) -> None:
    assert "encryptionsalt" not in (workspace.folder / "Pulumi.first.yaml").read_text()
