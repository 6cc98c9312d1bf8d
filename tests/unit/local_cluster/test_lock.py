import subprocess
import sys
from pathlib import Path

import pytest

from local_cluster.errors import BusyError
from local_cluster.lock import locked

_HOLDER = """
import sys
from pathlib import Path
from local_cluster.lock import locked
with locked(Path(sys.argv[1]), "up"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_command_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "run" / "embedded.lock"
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with pytest.raises(BusyError, match=f"`up` \\(process {holder.pid}\\) is at work"), locked(path, "down"):
            pytest.fail("both hold it")

        holder.kill()
    with locked(path, "down"):  # the kernel freed it
        pass


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "embedded.lock"
    with pytest.raises(ValueError, match="inside"), locked(path, "up"):
        raise ValueError("inside")

    with locked(path, "up"):
        pass


def test_nothing_is_left_when_the_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "run" / "embedded.lock"
    with locked(path, "up"):
        assert path.is_file()

    assert list(tmp_path.iterdir()) == []
