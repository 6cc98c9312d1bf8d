import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from deploy.pulumi import locks
from deploy.pulumi.locks import remove_dead_locks


def lock_of(tmp_path: Path, pid: int, hostname: str) -> Path:
    path = tmp_path / "backend" / ".pulumi" / "locks" / "organization" / "densenet-triton" / "dev" / "1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"pid": pid, "hostname": hostname}))
    return path


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def backend(tmp_path: Path) -> str:
    return f"file://{tmp_path}/backend"


def test_the_lock_of_a_dead_run_on_this_host_is_removed(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, dead_pid(), socket.gethostname())

    remove_dead_locks(backend(tmp_path), "dev")

    assert not lock.exists()


@pytest.mark.parametrize(
    ("pid", "hostname"),
    [(os.getpid(), socket.gethostname()), (dead_pid(), "another-host")],
    ids=["alive", "elsewhere"],
)
def test_any_other_lock_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pid: int, hostname: str) -> None:
    monkeypatch.setattr(locks, "_ORPHAN_S", 0.01)
    lock = lock_of(tmp_path, pid, hostname)

    remove_dead_locks(backend(tmp_path), "dev")

    assert lock.exists()


def test_the_lock_of_another_stack_stays(tmp_path: Path) -> None:
    lock = lock_of(tmp_path, dead_pid(), socket.gethostname())

    remove_dead_locks(backend(tmp_path), "prod")

    assert lock.exists()


@pytest.mark.parametrize("text", ["", '{"pid": 1', "[]", '{"pid": "x", "hostname": "y"}'])
def test_a_lock_that_says_nothing_stays_and_ends_nothing(tmp_path: Path, text: str) -> None:
    lock = lock_of(tmp_path, dead_pid(), socket.gethostname())
    lock.write_text(text)

    remove_dead_locks(backend(tmp_path), "dev")

    assert lock.exists()


def test_a_pulumi_that_outlives_its_run_is_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "0.2"]) as orphan:
        lock = lock_of(tmp_path, orphan.pid, socket.gethostname())

        remove_dead_locks(backend(tmp_path), "dev")

    assert not lock.exists()
