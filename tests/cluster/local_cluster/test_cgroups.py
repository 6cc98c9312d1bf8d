"""A cluster's cgroups, on the machine's own hierarchies and on a real one of v2, which a v1 machine has too.

On a v1 machine the one of v2 has no controller that kubelet needs, so that a whole cluster can't be tried on it there.
"""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from local_cluster import cgroups
from local_cluster.layout import layout_from_name
from local_cluster.processes import cluster_processes, kill_cluster, running_clusters

_LAYOUT = layout_from_name("embedded-cgroups")
_MACHINE = Path("/sys/fs/cgroup")
_KILLED = -9
_DEATH_S = 20


@contextmanager
def _v2(folder: Path) -> Iterator[Path]:
    """Mount the kernel's one hierarchy of v2, and leave its root as it was."""
    mounted = subprocess.run(["mount", "-t", "cgroup2", "cgroup2", folder], check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"the kernel mounts no cgroup v2: {mounted.stderr.strip()}")
    passed = folder / "cgroup.subtree_control"
    before = passed.read_text().split()
    try:
        yield folder
        for controller in set(passed.read_text().split()) - set(before):
            passed.write_text(f"-{controller}")
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def _with_cgroups(root: Path) -> Iterator[Path]:
    cgroups.make_cgroups(_LAYOUT, root)
    try:
        yield root
    finally:
        cgroups.remove_cgroups(_LAYOUT, root)


@pytest.fixture(params=["the machine's", "v2"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where hierarchies lie, with the cluster's cgroups made in them."""
    place = _v2(tmp_path) if request.param == "v2" else nullcontext(_MACHINE)
    with place as hierarchies, _with_cgroups(hierarchies) as made:
        yield made


class Sleepers:
    """Processes that wait to be killed."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, enter: Callable[[], None] | None = None, **variables: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **variables}
        process = subprocess.Popen(["sleep", "1000"], preexec_fn=enter, env=environment)  # noqa: PLW1509 - one thread
        self.started.append(process)
        return process

    def start_inside(self, root: Path) -> subprocess.Popen[bytes]:
        with cgroups.entrance(_LAYOUT, root) as enter:
            return self.start(enter)


@pytest.fixture
def sleepers() -> Iterator[Sleepers]:
    made = Sleepers()
    yield made
    for process in made.started:
        process.kill()
        process.wait(_DEATH_S)


def test_what_enters_is_in_every_hierarchy_known_and_killed(root: Path, sleepers: Sleepers) -> None:
    process = sleepers.start_inside(root)

    assert cgroups.members(_LAYOUT, root) == [process.pid]
    assert _LAYOUT in cgroups.occupied(root)
    paths = [line.split(":", 2)[2] for line in Path(f"/proc/{process.pid}/cgroup").read_text().splitlines()]
    inside = [path for path in paths if path.endswith(f"/{_LAYOUT.cgroup}/system")]
    assert len(inside) == len(cgroups.hierarchies(root=root)) >= 1
    assert root != _MACHINE or inside == paths

    cgroups.kill_members(_LAYOUT, root)
    assert process.wait(_DEATH_S) == _KILLED
    assert cgroups.members(_LAYOUT, root) == []
    assert _LAYOUT not in cgroups.occupied(root)


def cgroup_of_a_pod(parent: Path, root: Path) -> Path:
    """Make one as kubelet does: on v2 with the controllers that are passed on, on v1 with the parent's processors."""
    pods, pod = parent / "kubepods", parent / "kubepods" / "pod"
    pods.mkdir()
    if cgroups.is_unified(root):
        for controller in (root / "cgroup.controllers").read_text().split():
            (pods / "cgroup.subtree_control").write_text(f"+{controller}")
    pod.mkdir()
    if (pod / "cpuset.cpus").is_file() and not cgroups.is_unified(root):
        for folder in (pods, pod):
            for name in ("cpuset.cpus", "cpuset.mems"):
                (folder / name).write_text((parent / name).read_text())
    return pod


def test_pods_live_beside_it_and_go_with_it(root: Path, sleepers: Sleepers) -> None:
    component, pod = sleepers.start_inside(root), sleepers.start()
    parents = [hierarchy / _LAYOUT.cgroup for hierarchy in cgroups.hierarchies(root=root)]
    for parent in parents:
        (cgroup_of_a_pod(parent, root) / "cgroup.procs").write_text(str(pod.pid))
    assert cgroups.members(_LAYOUT, root) == sorted([component.pid, pod.pid])

    cgroups.remove_cgroups(_LAYOUT, root)

    assert (component.wait(_DEATH_S), pod.wait(_DEATH_S)) == (_KILLED, _KILLED)
    assert [parent for parent in parents if parent.exists()] == []


def test_a_latecomer_does_not_enter_the_cgroups_of_a_later_start(root: Path, sleepers: Sleepers) -> None:
    with cgroups.entrance(_LAYOUT, root) as enter:
        cgroups.remove_cgroups(_LAYOUT, root)
        cgroups.make_cgroups(_LAYOUT, root)

        with pytest.raises(subprocess.SubprocessError):
            sleepers.start(enter)

    assert cgroups.members(_LAYOUT, root) == []


def test_on_v2_a_cgroup_that_passes_controllers_on_holds_no_process(tmp_path: Path) -> None:
    """Why components have a cgroup of their own beside the pods."""
    with _v2(tmp_path) as root:
        if not (root / "cgroup.controllers").read_text().split():
            pytest.skip("every controller is bound to a hierarchy of v1")
        with _with_cgroups(root), pytest.raises(OSError, match="busy") as refusal:
            (root / _LAYOUT.cgroup / "cgroup.procs").write_text(str(os.getpid()))
        assert refusal.value.errno == errno.EBUSY


def test_a_process_that_only_says_so_is_not_the_clusters(sleepers: Sleepers) -> None:
    claimant = sleepers.start(DENSENET_TRITON_CLUSTER=_LAYOUT.name)
    assert cluster_processes(_LAYOUT.name) == []
    assert _LAYOUT.name not in running_clusters()

    with _with_cgroups(_MACHINE):
        member = sleepers.start_inside(_MACHINE)
        assert [process.pid for process in cluster_processes(_LAYOUT.name)] == [member.pid]
        assert _LAYOUT.name in running_clusters()

        kill_cluster(_LAYOUT.name)

        assert member.wait(_DEATH_S) == _KILLED
    assert claimant.poll() is None
