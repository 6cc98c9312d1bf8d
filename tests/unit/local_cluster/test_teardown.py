from pathlib import Path

import pytest

from local_cluster import teardown
from local_cluster.teardown import MountedDataError


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
