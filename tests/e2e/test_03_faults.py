"""Every fault ends in a reason on standard error and a status other than 0, and what was serving still serves."""

import hashlib
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bench.workspace import Workspace
from local_cluster.layout import layout_from_name
from tests.e2e.test_01_up import plain_pulumi


@pytest.fixture(autouse=True)
def _first_stack_still_serves(workspace: Workspace) -> Iterator[None]:
    yield
    url = workspace.make("url", "STACK=first").stdout.strip()
    with urllib.request.urlopen(f"{url}/v2/models/efficientnet_lite0/ready", timeout=10) as response:
        assert response.status == 200


def failed_up(workspace: Workspace, stack: str) -> str:
    """Deploy, expect failure without a traceback, and return what stands on standard error."""
    result = workspace.make("up", f"STACK={stack}")
    assert result.returncode != 0, result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    return result.stderr


def test_a_stack_without_a_file(workspace: Workspace) -> None:
    assert "Pulumi.nowhere.yaml" in failed_up(workspace, "nowhere")


def test_several_faults_are_named_at_once(workspace: Workspace) -> None:
    workspace.write_stack("faulty", serving={"replicas": "many", "colour": "red"}, model={"maxBatchSize": -1})

    stderr = failed_up(workspace, "faulty")

    for key in ("serving.replicas", "serving.colour", "model.maxBatchSize"):
        assert f"Pulumi.faulty.yaml: densenet-triton:{key}" in stderr


def test_a_context_that_does_not_exist(workspace: Workspace) -> None:
    workspace.write_stack("lost", cluster={"context": "nowhere"})

    assert "nowhere" in failed_up(workspace, "lost").splitlines()[-2]


def test_a_cluster_that_does_not_answer(workspace: Workspace) -> None:
    kubeconfig = workspace.folder / "silent.kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "silent", "cluster": {"server": "https://127.0.0.1:1"}}],
                "contexts": [{"name": "silent", "context": {"cluster": "silent", "user": ""}}],
            }
        )
    )
    workspace.write_stack("silent", cluster={"context": "silent", "kubeconfig": str(kubeconfig)})

    assert "cluster.context 'silent' does not answer" in failed_up(workspace, "silent")


def test_a_wrong_digest_of_a_local_source(workspace: Workspace, shared_models: Path) -> None:
    source = {"kind": "onnx", "url": (shared_models / "squeezenet1.1.onnx").as_uri(), "sha256": "0" * 64}
    workspace.write_stack("mistaken", model={"source": source})

    stderr = failed_up(workspace, "mistaken")

    assert "0" * 64 in stderr
    assert hashlib.sha256((shared_models / "squeezenet1.1.onnx").read_bytes()).hexdigest() in stderr


def test_a_failed_build_says_why_and_runs_again_when_mended(workspace: Workspace) -> None:
    """The model calls the mug something else: the Job's last words are the error, and the Job runs again each time."""
    workspace.write_stack("broken", model={"expect": {"image": "smoke_tests/data/mug.png", "class": 968}})

    first, second = failed_up(workspace, "broken"), failed_up(workspace, "broken")

    said = "the expected picture must be (968) = CUP, but the model answers 9.617"
    assert said in first
    assert said in second
    workspace.write_stack("broken")
    assert workspace.make("up", "STACK=broken").returncode == 0
    assert workspace.make("destroy", "STACK=broken").returncode == 0


def upload(workspace: Workspace, name: str) -> Path:
    """Put a copy of the first stack's repository on the storage, as a user's upload; return its folder."""
    storage = layout_from_name(workspace.cluster).storage
    published = storage / "repositories" / plain_pulumi(workspace, "first", "stack output planId").strip()
    folder = storage / "uploads" / name
    shutil.copytree(published / "efficientnet_lite0", folder / "efficientnet_lite0")
    return folder


def prebuilt(folder: Path) -> dict[str, str]:
    """The source that names an upload."""
    subprocess.run(["chown", "-R", "1000:1000", str(folder)], check=True)
    return {"kind": "prebuilt", "path": f"uploads/{folder.name}", "sha256": tree_digest(folder)}


def test_a_prebuilt_repository_is_served_as_it_is(workspace: Workspace) -> None:
    workspace.write_stack("uploaded", model={"source": prebuilt(upload(workspace, "right"))})

    result = workspace.make("up", "STACK=uploaded")

    assert result.returncode == 0, result.stdout + result.stderr
    assert workspace.make("destroy", "STACK=uploaded").returncode == 0


def test_permuted_labels_are_never_ready(workspace: Workspace) -> None:
    """Right scores, and the right label for the mug, but others exchanged: the pod's own proof shows both tables."""
    folder = upload(workspace, "permuted")
    labels = folder / "efficientnet_lite0" / "labels.txt"
    labels.chmod(0o644)
    rows = labels.read_text().splitlines()
    rows[505], rows[968] = rows[968], rows[505]
    labels.write_text("".join(f"{row}\n" for row in rows))
    limits = {"startupTimeoutS": 20, "rolloutTimeoutS": 60}
    workspace.write_stack("permuted", model={"source": prebuilt(folder)}, serving=limits)

    stderr = failed_up(workspace, "permuted")

    assert "labels: 2 of 1000 differ" in stderr
    assert "COFFEEPOT" in stderr
    assert workspace.make("destroy", "STACK=permuted").returncode == 0


def test_a_namespace_of_another_stack(workspace: Workspace) -> None:
    workspace.write_stack("squatter", cluster={"namespace": "triton-first"})

    assert "'triton-first' belongs to stack first" in failed_up(workspace, "squatter")


def test_an_image_that_does_not_exist(workspace: Workspace) -> None:
    workspace.write_stack(
        "imageless", serving={"image": "localhost/nothing:here", "startupTimeoutS": 20, "rolloutTimeoutS": 40}
    )

    assert "localhost/nothing:here" in failed_up(workspace, "imageless")
    assert workspace.make("destroy", "STACK=imageless").returncode == 0


def test_two_runs_at_once_are_one_too_many(workspace: Workspace) -> None:
    running = subprocess.Popen(
        ["make", "up", "STACK=first"], cwd=workspace.folder, env=workspace.environment,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with running:
        assert running.stdout is not None
        running.stdout.readline()  # it is under way
        stderr = failed_up(workspace, "first")
        running.communicate()

    assert f"another run is working on cluster {workspace.cluster}" in stderr
    assert running.returncode == 0


def tree_digest(folder: Path) -> str:
    """SHA-256 over the sorted lines `<sha256>  <path>` of a folder's files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n" for path in files
    ]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
