import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).resolve().parent.parent
_COPIED = ("conftest.py", "cluster/__init__.py", "cluster/conftest.py", "cluster/local_cluster/__init__.py")
_CONFIG = (
    "[pytest]\naddopts = --strict-markers --import-mode=importlib\n"
    "markers =\n    unit\n    gpu\n    cluster\n    e2e\n    guest\n"
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


def noted(suite: Path, *arguments: str) -> list[str]:
    """Run the suite, and return what it has noted."""
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "as_root", "-p", "no:cacheprovider", *arguments]
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=suite, env={"PYTHONPATH": str(suite)}
    )
    assert result.returncode == 0, result.stdout + result.stderr
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
