"""Releases that must not serve: the gate ends with 2, what served before serves on, and no client sees another."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.images.archives import build_images
from model_build.digest import file_digests, tree_sha256
from tests.faults import uploads
from tests.faults.bed import Bed
from tests.faults.crashing_image import LAST_WORDS, crashing_image
from tests.faults.processes import component_pid, process_of_pod
from tests.faults.stack import GatedStack

RIGHT_S = 25
CRASHING = "localhost/triton-crashing:1"


def test_permuted_labels(bed: Bed) -> None:
    bed.configure("permuted", uploads.labels_permuted)

    gated = bed.put_back("A model whose labels are permuted")

    assert "labels: 2 of 1000 differ" in gated.said


def test_weights_that_are_not_those_that_were_pinned(bed: Bed) -> None:
    source = bed.uploads.source("scaled")
    path = bed.stack.storage / source["path"] / uploads.ONNX
    path.write_bytes(uploads.weights_scaled(path.read_bytes(), 1.002))
    bed.stack.configure(model={"source": source})

    gated = bed.put_back("Weights 0.2 % too large in an upload, under the right one's digest")

    assert source["sha256"] in gated.said
    assert tree_sha256(file_digests(bed.stack.storage / source["path"])) in gated.said


def test_weights_a_little_wrong_under_a_forged_digest(bed: Bed) -> None:
    """File, manifest and golden agree, and the class is right: only what the build has reported tells."""
    weights = (bed.uploads.model.parent / uploads.ONNX).read_bytes()
    bed.configure("forged")

    said = put_back_when_published(
        bed,
        "Weights 0.2 % too large in the published repository, manifest and golden scores forged to agree",
        uploads.replaced_and_forged(uploads.weights_scaled(weights, 1.002)),
    )

    assert "manifest.json: sha256 " in said


@pytest.mark.parametrize(
    ("fault", "change", "reason"),
    [
        ("One bit flipped in the published repository", uploads.bit_flipped, "published was"),
        ("A file missing in the published repository", uploads.file_missing, "labels.txt: missing"),
        ("A file truncated in the published repository", uploads.file_truncated, "published was"),
    ],
)
def test_a_damaged_repository(fault: str, change: uploads.Change, reason: str, bed: Bed) -> None:
    bed.configure(change.__name__)

    assert reason in put_back_when_published(bed, fault, change)


def put_back_when_published(bed: Bed, fault: str, change: uploads.Change) -> str:
    """Damage what the build of the configured plan publishes, before a pod has seen it; return what the gate said."""
    with uploads.befalling_the_next(bed.stack.storage / "repositories", change) as happened:
        gated = bed.put_back(fault)
    assert happened.is_set(), gated.said
    return gated.said


def test_an_image_that_crashes(bed: Bed, tmp_path: Path) -> None:
    archive = tmp_path / "crashing.tar"
    archive.write_bytes(crashing_image(build_images(["triton-cpu"])["triton-cpu"], CRASHING))
    bed.stack.cluster.run("load", str(archive), "--ref", CRASHING)
    bed.configure("crashing", serving={"image": CRASHING})

    gated = bed.put_back("An image whose server crashes")

    assert LAST_WORDS in gated.said


def test_a_model_that_never_gets_ready(bed: Bed) -> None:
    bed.configure("sleeping", uploads.never_loading)

    bed.put_back("A model that never gets ready")


def test_a_build_killed_halfway_and_built_by_the_next_gate(bed: Bed) -> None:
    bed.configure("interrupted")
    before = bed.stack.serving()
    with killed_build(bed.stack) as killed:
        gated = bed.put_back("`kill -9` of the build halfway")
    assert killed.is_set(), gated.said

    again = bed.stack.gate()

    assert again.status == 0, again.said
    assert bed.stack.serving().plans.isdisjoint(before.plans)


@contextmanager
def killed_build(stack: GatedStack) -> Iterator[threading.Event]:
    """Kill the next build when it has begun to write; set as soon as it has happened."""
    done, over, scratch = threading.Event(), threading.Event(), stack.storage / "scratch"

    def watch() -> None:
        while not over.wait(0.02):
            if any(scratch.glob("*/work/*")):
                uids = [pod["metadata"]["uid"] for pod in stack.pods("app.kubernetes.io/name=plan-build")]
                for process in filter(None, (process_of_pod(uid, "python3") for uid in uids)):
                    process.kill()
                    done.set()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield done
    finally:
        over.set()
        watcher.join()


def test_a_full_storage(bed: Bed) -> None:
    """A folder with room for the upload, and not for the repository that is made of it."""
    source = bed.uploads.source("squeezed")
    with small_storage(bed, source["path"]) as folder:
        bed.stack.configure(model={"source": source}, storage={"path": str(folder)})

        gated = bed.put_back("A full storage mount")

    assert "is full" in gated.said


@contextmanager
def small_storage(bed: Bed, upload: str) -> Iterator[Path]:
    """Mount a small filesystem with a copy of an upload, where the cluster alone sees it."""
    folder = bed.stack.cluster.layout.state / "small"
    folder.mkdir()
    size_bytes = sum(path.stat().st_size for path in (bed.stack.storage / upload).rglob("*"))
    inside = ["nsenter", "--mount", "--pid", f"--target={component_pid(bed.stack.cluster, 'kubelet')}"]
    options = f"size={size_bytes * 3 // 2},uid=1000,gid=1000,mode=755"
    subprocess.run([*inside, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    subprocess.run([*inside, "mkdir", str(folder / "uploads")], check=True)
    subprocess.run([*inside, "cp", "--archive", str(bed.stack.storage / upload), str(folder / "uploads")], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*inside, "umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


@pytest.mark.sample
def test_a_release_that_turns_wrong_while_the_gate_pauses(bed: Bed) -> None:
    """Right when it is asked first, and wrong a while later: it serves until the second check, and is put back."""
    bed.configure("late", uploads.wrong_after(RIGHT_S), gate={"pauseS": RIGHT_S})

    gated = bed.put_back(f"A model that answers rightly for {RIGHT_S} s and wrongly then", seconds_wrong=120)

    served_s = gated.verdict["servedS"]
    account = bed.rows[-1].account
    assert account.wrong > 0, "it never turned wrong"
    assert served_s >= account.wrong_for_s, gated.verdict
    assert served_s >= RIGHT_S, gated.verdict


def test_the_first_deployment_is_wrong(bed: Bed) -> None:
    """There is nothing to go back to: the gate says so, and what mends it; nothing is ever answered."""
    first = GatedStack(workspace=bed.stack.workspace, name="first")
    first.configure(model={"source": bed.uploads.source("first", uploads.labels_permuted)})
    with first.load(bed.right) as load:
        gated = first.gate()
    account = load.account()
    bed.record("The first deployment of a stack is wrong", account, str(gated), first.serving())

    assert gated.status == 3, gated.said
    assert account.failed == account.requests, account
    assert "make gate STACK=first" in gated.verdict["reasons"][-1]
    destroyed = first.workspace.make("destroy", "STACK=first")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
