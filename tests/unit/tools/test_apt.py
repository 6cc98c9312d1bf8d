import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local_cluster.awaiting import await_condition
from tools.apt import AptError, apt_get, knows

_INSTALL = "from tools.apt import apt_get; apt_get('install', 'thing')"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the test's own apt lies, first on PATH."""
    made = tmp_path / "bin"
    made.mkdir()
    monkeypatch.setenv("PATH", f"{made}:{os.environ['PATH']}")
    return made


def write_apt(folder: Path, script: str) -> None:
    program = folder / "apt-get"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_output_of_a_good_call_is_folded(folder: Path) -> None:
    write_apt(folder, "echo Unpacking thing; echo more >&2")

    result = subprocess.run([sys.executable, "-c", _INSTALL], check=True, capture_output=True, text=True)

    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert "done" in result.stderr


def test_the_output_of_a_call_that_fails_is_kept_whole(folder: Path) -> None:
    write_apt(folder, "echo Get:1; echo 'E: Unable to fetch some archives' >&2; echo 'E: later'; exit 100")

    with pytest.raises(AptError, match=r"^Unable to fetch some archives$") as caught:
        apt_get("install", "thing")

    assert caught.value.output == "Get:1\nE: Unable to fetch some archives\nE: later\n"


def test_nobody_is_asked(folder: Path, tmp_path: Path) -> None:
    write_apt(folder, f'echo "$DEBIAN_FRONTEND $@ $(cat)" >{tmp_path}/told')

    apt_get("install", "thing")

    told = (tmp_path / "told").read_text()
    assert told.startswith("noninteractive ")
    assert told.endswith(" install --yes --no-install-recommends thing \n")


def test_a_call_that_does_not_end_is_given_up(folder: Path) -> None:
    write_apt(folder, "echo Waiting for headers; exec sleep 600")

    with pytest.raises(AptError, match="took longer than 0 minutes") as caught:
        apt_get("update", deadline_s=0.5)

    assert caught.value.output == "Waiting for headers\n"


def test_a_service_that_holds_the_pipe_open_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    write_apt(folder, f"sleep 600 & echo $! >{tmp_path}/service")

    apt_get("install", "thing")

    service = psutil.Process(int((tmp_path / "service").read_text()))
    assert service.is_running()
    service.kill()


def test_an_interrupt_lets_it_finish_first(folder: Path, tmp_path: Path) -> None:
    write_apt(
        folder,
        f"trap 'echo told >>{tmp_path}/story' INT; touch {tmp_path}/started; "
        f"while ! [ -s {tmp_path}/story ]; do sleep 0.05; done; echo finished >>{tmp_path}/story",
    )
    with subprocess.Popen([sys.executable, "-c", _INSTALL], stderr=subprocess.PIPE, text=True) as caller:
        await_condition("apt", lambda: None if (tmp_path / "started").exists() else "no", deadline_s=30)
        caller.send_signal(signal.SIGINT)
        _, errors = caller.communicate(timeout=30)

    assert (tmp_path / "story").read_text() == "told\nfinished\n"
    assert "KeyboardInterrupt" in errors


def test_lists_that_can_not_be_asked_know_nothing(folder: Path) -> None:
    (folder / "apt-cache").write_text("#!/bin/sh\nexit 100\n")
    (folder / "apt-cache").chmod(0o755)

    assert not knows(["thing"])
