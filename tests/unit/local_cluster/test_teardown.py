import subprocess
import sys
from pathlib import Path

import pytest

from local_cluster import teardown
from local_cluster.layout import Layout
from local_cluster.teardown import MountedDataError

_LISTENER = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
sys.stdin.read()
"""


def mounts_with(path: Path, mount_point: Path) -> Path:
    file = path / "mounts"
    escaped = str(mount_point).replace(" ", "\\040")
    file.write_text(f"/dev/vda / ext4 rw 0 0\nnas:/x {escaped} nfs rw 0 0\n", encoding="utf-8")
    return file


def test_data_with_a_mount_in_it_is_not_removed(tmp_path: Path) -> None:
    mounts = mounts_with(tmp_path, tmp_path / "state" / "storage of mine")

    with pytest.raises(MountedDataError, match="storage of mine is a mount inside of"):
        teardown.refuse_to_remove_mounts(tmp_path / "state", mounts)


def test_mounts_elsewhere_are_nobodys_concern(tmp_path: Path) -> None:
    teardown.refuse_to_remove_mounts(tmp_path / "state", mounts_with(tmp_path, tmp_path / "state-of-others"))


def test_a_supervisor_outside_of_its_cgroup_ends_too(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("kill_cluster", "cgroups.remove_cgroups", "network.await_interface_gone"):
        monkeypatch.setattr(f"local_cluster.teardown.{name}", lambda _cluster: None)
    command = [sys.executable, "-c", _LISTENER, str(layout.supervisor_socket)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stand_in:
        assert stand_in.stdout is not None
        assert stand_in.stdout.readline() == b"listening\n"

        teardown.end_processes(layout)

        assert stand_in.wait(20) == -9
    assert not layout.run.exists()


def test_of_the_fixed_folders_only_those_go_that_the_host_lacked(tmp_path: Path) -> None:
    lacked, had, used = folders = (tmp_path / "lacked", tmp_path / "had", tmp_path / "used")
    had.mkdir()
    teardown.make_fixed_folders(folders)
    teardown.make_fixed_folders(folders)  # a second cluster's
    (used / "by somebody").touch()

    teardown.remove_fixed_folders(folders)

    assert not lacked.exists()
    assert list(had.iterdir()) == []
    assert [path.name for path in used.iterdir()] == ["by somebody"]
