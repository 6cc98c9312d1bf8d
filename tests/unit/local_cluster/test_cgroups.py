from pathlib import Path

from local_cluster import cgroups


def test_every_hierarchy_of_a_v1_machine_counts(tmp_path: Path) -> None:
    root, mounts = tmp_path / "cgroup", tmp_path / "mounts"
    mounts.write_text(
        f"proc /proc proc rw 0 0\ncgroup {root}/cpu,cpuacct cgroup rw 0 0\ncgroup2 {root}/unified cgroup2 rw 0 0\n"
        "cgroup /a/containers/view/cpu,cpuacct cgroup ro 0 0\n",
        encoding="utf-8",
    )

    assert cgroups.hierarchies(mounts, root) == [root / "cpu,cpuacct", root / "unified"]


def test_a_v2_machine_has_one_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n", encoding="utf-8")

    assert cgroups.hierarchies(tmp_path / "unread", tmp_path) == [tmp_path]
    assert cgroups.missing_controllers(tmp_path) == ["cpuset", "pids"]


def test_missing_v1_controllers_are_listed(tmp_path: Path) -> None:
    for controller in set(cgroups.CONTROLLERS_V1) - {"memory"}:
        (tmp_path / controller).mkdir()

    assert cgroups.missing_controllers(tmp_path) == ["memory"]
