import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Tiny = Callable[..., bytes]
Write = Callable[..., Path]
PLAN = "0123456789abcdef"
_WRONG_PRUNINGS = [
    ("prune", "--storage", ".", "--stack", "dev", "--keep"),
    ("prune", "--storage", ".", "--stack", "dev", "--keep", "../up"),
    ("prune", "--storage", ".", "--stack", "../up", "--keep", PLAN),
]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_build", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def repository(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> Path:
    built = run("build", "--inputs", write_inputs(tiny_classifier()), "--storage", storage)
    assert built.returncode == 0, built.stderr
    return storage / "repositories" / PLAN


def test_a_build_prints_what_it_published(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    built = run("build", "--inputs", write_inputs(tiny_classifier()), "--storage", storage)
    assert built.returncode == 0
    assert built.stdout.startswith(f"plan {PLAN}\n")
    assert "(1) = MUG" in built.stdout
    assert f"published plan {PLAN}" in built.stderr


def test_a_repository_is_verified_and_described(repository: Path) -> None:
    verified = run("verify", "--repository", repository)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout == f"plan {PLAN}: 5 files as in the manifest, scores as golden\n"
    described = run("describe", "--repository", repository)
    assert described.returncode == 0
    assert "onnxruntime, fp32" in described.stdout
    as_json = run("describe", "--repository", repository, "--json")
    assert json.loads(as_json.stdout) == json.loads((repository / "manifest.json").read_text())


def test_a_failure_is_one_line_and_the_last(tiny_classifier: Tiny, write_inputs: Write, storage: Path) -> None:
    folder = write_inputs(tiny_classifier(), colour="blue")
    failed = run("build", "--inputs", folder, "--storage", storage)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == f"error: {folder}/spec.json: colour is not a known key\n"


def test_a_storage_is_looked_at_and_pruned(repository: Path, storage: Path) -> None:
    found = run("inventory", "--storage", storage)
    assert (found.returncode, found.stderr) == (0, "")
    assert json.loads(found.stdout).keys() == {"plans", "freeBytes", "totalBytes", "stacks"}
    assert json.loads(found.stdout)["plans"] == [repository.name]
    pruned = run("prune", "--storage", storage, "--stack", "tests", "--keep", PLAN, "f" * 16)
    assert (pruned.returncode, pruned.stderr) == (0, "")
    document = json.loads(pruned.stdout)
    assert document.pop("freeBytes") > 0
    assert document == {"kept": ["f" * 16, PLAN], "pruned": [], "namedByOthers": []}


@pytest.mark.parametrize("command", ["verify", "describe"])
def test_a_folder_that_is_no_repository_is_one_line(command: str, tmp_path: Path) -> None:
    failed = run(command, "--repository", tmp_path)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"error: {tmp_path}/manifest.json: No such file")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [(), ("build",), ("verify",), ("build", "--inputs", "."), *_WRONG_PRUNINGS])
def test_usage_is_told(arguments: tuple[str, ...]) -> None:
    failed = run(*arguments)
    assert failed.returncode == 2
    assert "usage: python -m model_build" in failed.stderr


def test_help_names_the_commands() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for command in ("build", "inspect", "verify", "describe", "inventory", "prune"):
        assert command in shown.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_build_ends_in_one_line_and_clears_up(
    write_inputs: Write, storage: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """The source is a pipe that nobody writes to, so that the build waits for it."""
    pipe = tmp_path / "pipe.onnx"
    os.mkfifo(pipe)
    source = {"kind": "onnx", "url": pipe.as_uri(), "sha256": "a" * 64, "output": None, "imageSize": None}
    command = [
        *(sys.executable, "-m", "model_build", "build"),
        *("--inputs", str(write_inputs(b"", source=source)), "--storage", str(storage)),
    ]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as build,
        pipe.open("wb"),  # opens once the build reads
    ):
        build.send_signal(number)
        _, stderr = build.communicate(timeout=60)
    assert build.returncode == 130
    assert stderr == "error: interrupted; nothing half-made was published\n"
    assert [path.name for path in (storage / "scratch").iterdir()] == [".lock"]
