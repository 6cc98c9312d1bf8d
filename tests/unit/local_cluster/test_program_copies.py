import os
import stat
from pathlib import Path

import pytest

from local_cluster import programs
from local_cluster.errors import ProgramError
from local_cluster.files import WriteError
from local_cluster.layout import Layout
from local_cluster.packages import package_of_program
from local_cluster.program_copies import ProgramCopy, cluster_path, copy_programs, remove_unused_copies

_SHA256_OF_BUILT_ETCD = "3f42d7211f96a8c1de66f248025cb7987e6d7546884c42250c2c826ada91138a"


@pytest.fixture
def cache(tmp_path: Path, programs_on_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, from which every built program comes; the distribution's lie in the system's folders."""
    system = tmp_path / "usr"
    system.mkdir()
    for name in programs.BUILT:
        rebuild(programs_on_path, name, f"built {name}")
    for name in package_of_program():
        rebuild(system, name, f"packaged {name}")
        (programs_on_path / name).symlink_to(system / name)
    monkeypatch.setattr("local_cluster.programs._SYSTEM_TREES", (str(system),))
    return programs_on_path


def rebuild(folder: Path, name: str, content: str) -> None:
    """Put a program in its place as a build does, by a rename."""
    draft = folder / "draft"
    draft.write_text(content, encoding="utf-8")
    draft.chmod(0o777)
    draft.rename(folder / name)


def files(layout: Layout) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in layout.programs.iterdir()}


def test_what_lies_outside_of_the_systems_folders_is_copied(layout: Layout, cache: Path) -> None:
    copies = copy_programs(layout)

    assert set(files(layout)) == set(programs.BUILT) - {"ctr", "kubectl", "pause"}
    assert copies[str(cache / "kubelet")].path == layout.programs / "kubelet"
    assert (layout.programs / "containerd-shim-runc-v2").read_text(encoding="utf-8") == "built containerd-shim-runc-v2"
    assert not {str(cache / name) for name in package_of_program()} & set(copies)


@pytest.mark.usefixtures("cache")
def test_nobody_but_root_may_change_a_copy(layout: Layout) -> None:
    before = os.umask(0)
    try:
        copy_programs(layout)
    finally:
        os.umask(before)

    for path in (layout.programs, *layout.programs.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755, path


@pytest.mark.usefixtures("cache")
def test_what_is_unchanged_is_not_read_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    first, before = copy_programs(layout), files(layout)
    monkeypatch.delattr("local_cluster.program_copies.copy_program")

    assert copy_programs(layout) == first
    assert files(layout) == before


def test_the_same_program_built_again_is_no_other(layout: Layout, cache: Path) -> None:
    first = copy_programs(layout)
    rebuild(cache, "etcd", "built etcd")

    assert copy_programs(layout) == first


def test_another_program_takes_the_place_of_the_one_before(layout: Layout, cache: Path) -> None:
    first, before = copy_programs(layout), files(layout)
    rebuild(cache, "etcd", "built otherwise")

    second, after = copy_programs(layout), files(layout)

    assert {path for path in second if second[path] != first[path]} == {str(cache / "etcd")}
    assert {name for name in after if after[name] != before[name]} == {"etcd"}
    assert (layout.programs / "etcd").read_text(encoding="utf-8") == "built otherwise"


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("harm", ["removed", "changed", "record lost"])
def test_a_harmed_copy_is_made_again(layout: Layout, harm: str) -> None:
    copy_programs(layout)
    match harm:
        case "removed":
            (layout.programs / "etcd").unlink()
        case "changed":
            (layout.programs / "etcd").write_text("harmed", encoding="utf-8")
        case _:
            (layout.state / "programs.json").write_text('{"etcd": 3}', encoding="utf-8")
            (layout.programs / "etcd").write_text("harmed", encoding="utf-8")

    copy_programs(layout)

    assert (layout.programs / "etcd").read_text(encoding="utf-8") == "built etcd"


@pytest.mark.usefixtures("cache")
def test_a_full_disk_leaves_whole_copies_alone(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == ".kubelet.new":
            raise OSError(28, "No space left on device")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"programs/kubelet can't be written: No space left on device; free some"):
        copy_programs(layout)
    assert not (layout.programs / "kubelet").exists()
    before = files(layout)
    monkeypatch.setattr(os, "fsync", fsync)

    remove_unused_copies(layout, copy_programs(layout))

    after = files(layout)
    assert "kubelet" in after
    assert ".kubelet.new" not in after
    assert before.keys() - after.keys() == {".kubelet.new"}
    assert all(after[name] == inode for name, inode in before.items() if name != ".kubelet.new")


def test_what_the_system_has_now_is_removed_once_it_is_not_used(layout: Layout, cache: Path, tmp_path: Path) -> None:
    copy_programs(layout)
    rebuild(tmp_path / "usr", "etcd", "packaged etcd")
    (cache / "etcd").unlink()
    (cache / "etcd").symlink_to(tmp_path / "usr" / "etcd")

    copies = copy_programs(layout)
    assert "etcd" in files(layout)  # its component may still be the copy
    remove_unused_copies(layout, copies)

    assert "etcd" not in files(layout)
    assert str(cache / "etcd") not in copies


def test_a_missing_program_is_named(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cluster.programs.find", lambda _program: None)

    with pytest.raises(ProgramError, match="not on PATH: containerd; run `make tools`"):
        copy_programs(layout)


def test_the_clusters_path_has_nothing_of_the_callers(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/home/user/bin:/usr/bin")

    assert cluster_path(layout).split(":")[0] == str(layout.programs)
    assert "/home/user/bin" not in cluster_path(layout)
    assert "/usr/sbin" in cluster_path(layout)


def test_copies_are_told_by_what_they_hold(layout: Layout, cache: Path) -> None:
    copy = copy_programs(layout)[str(cache / "etcd")]

    assert copy == ProgramCopy(path=layout.programs / "etcd", digest=_SHA256_OF_BUILT_ETCD)
