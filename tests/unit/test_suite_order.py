import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parent.parent
_COPIED = ("conftest.py", "cluster/__init__.py", "cluster/conftest.py", "cluster/local_cluster/__init__.py")
_CONFIG = (
    "[pytest]\naddopts = --strict-markers --import-mode=importlib\n"
    "markers =\n    unit\n    gpu\n    cluster\n    e2e\n    guest\n    faults\n"
)
# Each stands for what it is named after, and notes that it ran.
_DRIVER = """
from pathlib import Path

class ClusterDriver:
    def __init__(self, name):
        self.name = name

    def run(self, command):
        with Path("log").open("a") as log:
            print(command, self.name, file=log)
"""
_TEST = """
from pathlib import Path

def test_notes({fixtures}):
    with Path("log").open("a") as log:
        print("{name}", file=log)
"""
# As Ctrl-C while a cluster is up; then, while it is taken down, what pytest-xdist does to a worker that takes its time.
_INTERRUPTED = """
import os, signal, threading

def test_is_interrupted(cluster):
    down = cluster.run
    def run(command):
        os.kill(os.getpid(), signal.SIGINT)
        down(command)
    cluster.run = run
    os.kill(os.getppid(), signal.SIGINT)
    threading.Event().wait()
"""
_TURN = """
import fcntl
from pathlib import Path

def test_is_one_s_alone(turn, tmp_path_factory):
    def note():
        with (tmp_path_factory.getbasetemp() / "turn").open() as other, Path("log").open("a") as log:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
                print("free", file=log)
            except BlockingIOError:
                print("taken", file=log)

    with turn():
        note()
    note()
"""
_WORKERS = ("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder")
_PLUGIN = "import os\n\nos.geteuid = lambda: 0\n"
_TESTS = {
    "guest": "",
    "e2e": "",
    "cluster/images": "",
    "cluster/local_cluster": "cluster",
    "unit/local_cluster": "",
    "gpu": "",
    "unit/deploy": "",
}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite with the real conftest files, a test in each folder, and a driver that only notes what it is told."""
    tests = tmp_path / "tests"
    for name, fixtures in _TESTS.items():
        folder = tests / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "test_one.py").write_text(_TEST.format(name=name, fixtures=fixtures))
    for name in _COPIED:
        shutil.copyfile(SUITE / name, tests / name)
    (tests / "cluster" / "driver.py").write_text(_DRIVER)
    (tmp_path / "as_root.py").write_text(_PLUGIN)
    (tmp_path / "pytest.ini").write_text(_CONFIG)
    return tmp_path


def noted(suite: Path, *arguments: str, status: int = 0) -> list[str]:
    """Run the suite, and return what it has noted."""
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "as_root", "-p", "no:cacheprovider", *arguments]
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=suite, env={"PYTHONPATH": str(suite)}
    )
    assert result.returncode == status, result.stdout + result.stderr
    return (suite / "log").read_text().splitlines()


def test_what_needs_least_runs_first_and_the_cluster_ends_with_its_folder(suite: Path) -> None:
    assert noted(suite, "tests") == [
        *("unit/deploy", "unit/local_cluster", "gpu"),
        *("cluster/images", "down embedded-test", "up embedded-test", "cluster/local_cluster", "down embedded-test"),
        "e2e",
        "guest",
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("unit", ["unit/deploy", "unit/local_cluster"]), ("gpu", ["gpu"]), ("e2e", ["e2e"]), ("guest", ["guest"])],
)
def test_each_kind_can_be_chosen_by_its_mark(kind: str, expected: list[str], suite: Path) -> None:
    assert noted(suite, "tests", "-m", kind) == expected


def test_with_workers_the_clusters_are_told_in_order_and_the_guest_s_when_no_other_is_looked_at(suite: Path) -> None:
    log = noted(suite, "tests", *_WORKERS)

    story = [*("cluster/images", "down embedded-test", "up embedded-test", "cluster/local_cluster")]
    story += ["down embedded-test", "e2e"]
    beside = ["unit/deploy", "unit/local_cluster", "gpu"]
    assert [line for line in log if line in story] == story
    assert sorted(line for line in log if line not in story) == sorted([*beside, "guest"])


def test_what_a_worker_has_started_is_taken_down_after_ctrl_c(suite: Path) -> None:
    (suite / "tests/cluster/local_cluster/test_one.py").write_text(_INTERRUPTED)

    log = noted(suite, "tests/cluster/local_cluster", *_WORKERS, status=2)

    assert log == ["down embedded-test", "up embedded-test", "down embedded-test"]


def test_a_turn_is_one_s_alone(suite: Path) -> None:
    (suite / "tests/guest/test_one.py").write_text(_TURN)

    assert noted(suite, "tests/guest") == ["taken", "free"]
