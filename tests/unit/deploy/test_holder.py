import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import holder as module
from deploy.holder import Holder

pytestmark = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="this system has no /proc")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def of(process: subprocess.Popen[bytes]) -> Holder:
    started = module._started(process.pid)  # noqa: SLF001 - what the process would write itself
    return replace(Holder.of_this_process("run"), pid=process.pid, started=started or "")


def test_an_identity_is_read_as_it_was_written() -> None:
    mine = Holder.of_this_process("20261123T011200Z")

    assert Holder.from_identity(mine.identity) == mine
    assert len(mine.identity.split(" ")) == 3, "what older programs read"


@pytest.mark.parametrize(
    "identity", ["a-host 12 run", "a-host", "a-host/boot/1 -12/3 run", "an operator's own words", "x"]
)
def test_whoever_else_holds_it_is_somebody_who_may_live(identity: str) -> None:
    holder = Holder.from_identity(identity)

    assert not holder.is_dead
    assert str(holder)


def test_a_process_lives_until_it_has_ended(sleeper: subprocess.Popen[bytes]) -> None:
    holder = of(sleeper)
    assert not holder.is_dead

    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert holder.is_dead, "it has ended, though nobody has taken note of it yet"

    sleeper.wait()
    assert holder.is_dead


def test_another_process_of_the_same_number_is_another(sleeper: subprocess.Popen[bytes]) -> None:
    assert replace(of(sleeper), started="1").is_dead


@pytest.mark.parametrize("place", ["another-boot/4026531836", "-"])
def test_of_another_place_nothing_is_known(sleeper: subprocess.Popen[bytes], place: str) -> None:
    holder = replace(of(sleeper), place=place)
    sleeper.kill()
    sleeper.wait()

    assert not holder.is_dead


def test_where_there_is_no_proc_nobody_is_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_PROC", tmp_path)

    mine = Holder.of_this_process("run")

    assert (mine.place, mine.started) == ("-", "-")
    assert not replace(mine, pid=2**22 + 1).is_dead
    assert Holder.from_identity(mine.identity) == mine


def test_a_container_with_this_hosts_name_is_another_place() -> None:
    """The same kernel, the same host's name, another PID namespace."""
    code = "from deploy.holder import Holder; print(Holder.of_this_process('inside').identity)"
    try:
        inside = subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may make no PID namespace")
    holder = Holder.from_identity(inside.stdout.strip())

    assert (holder.host, holder.pid) == (Holder.of_this_process("run").host, 1)
    assert holder.place != Holder.of_this_process("run").place
    assert not holder.is_dead, "it has ended, but that can't be seen from here"
