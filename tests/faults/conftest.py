"""One cluster and one stack with a proven release for all faults; the table of what they did, where it is wanted."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.workspace import ROOT, Workspace, workspace_in
from tests.cluster.driver import environment
from tests.faults.bed import Bed
from tests.faults.load import PATIENCE_S
from tests.faults.stack import MODEL, RATE_PER_S, GatedStack
from tests.faults.table import Row, document_from_rows, facts_of_this_machine
from tests.faults.uploads import Uploads
from tests.orphans import end_orphans

TABLE = "RELIABILITY_TABLE"
"""Environment variable with the file that the table goes to; without it, none is written."""

_FOLDER = Path(__file__).parent
_ROWS = pytest.StashKey[list[Row]]()
_START = pytest.StashKey[float]()
_LEFT_OUT = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what the end of the session needs for the table."""
    config.stash[_ROWS] = []
    config.stash[_START] = time.monotonic()
    config.stash[_LEFT_OUT] = False


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Note that this is not the whole suite."""
    items[0].config.stash[_LEFT_OUT] = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the table, where it is wanted, of a whole run in which every fault was done and every test has passed."""
    target, rows = os.environ.get(TABLE), session.config.stash[_ROWS]
    if target is None or exitstatus != pytest.ExitCode.OK or session.config.stash[_LEFT_OUT]:
        return
    files = {item.path for item in session.items}
    if not rows or not files.issuperset(_FOLDER.glob("test_*.py")):
        return
    seconds = time.monotonic() - session.config.stash[_START]
    facts = facts_of_this_machine(ROOT, _versions(), day=dt.datetime.now(dt.UTC).date(), seconds=seconds)
    document = document_from_rows(rows, facts, rate_per_s=RATE_PER_S, patience_s=PATIENCE_S)
    (ROOT / target).write_text(document, encoding="utf-8")


def _versions() -> dict[str, str]:
    def said(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout.split()[-1]

    return {"Kubernetes": said("kubelet", "--version"), "Pulumi": said("pulumi", "version")}


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A clone on a cluster of its own; whatever it has started is gone at the end."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the embedded cluster needs root on Linux")
    made = workspace_in(tmp_path_factory.mktemp("faults"), "embedded-faults")
    made.write_stack("good")
    prepared = made.make("venv")
    assert prepared.returncode == 0, prepared.stdout + prepared.stderr
    yield made
    end_orphans(made.environment["PULUMI_HOME"])
    down = made.make("down", "STACK=good")
    assert down.returncode == 0, down.stdout + down.stderr
    shutil.rmtree(made.folder)


@pytest.fixture(scope="session")
def bed(workspace: Workspace, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Bed:
    """A stack that serves a release which the gate has proven."""
    stack = GatedStack(workspace=workspace, name="good")
    stack.configure()
    gated = stack.gate()
    assert gated.status == 0, gated.said
    (plan,) = stack.serving().plans
    model = tmp_path_factory.mktemp("right") / MODEL
    shutil.copytree(stack.storage / "repositories" / plan / MODEL, model)
    uploads = Uploads(storage=stack.storage, model=model)
    return Bed(stack=stack, right=stack.right(plan), uploads=uploads, rows=pytestconfig.stash[_ROWS])


@pytest.fixture(autouse=True)
def _a_good_release_serves(bed: Bed) -> Iterator[None]:
    """Whatever a fault did: afterwards every answer is right, of a proven release whose pods could start again."""
    yield
    with bed.load():
        pass
    assert bed.stack.serving().release != "none"
    assert bed.stack.missing_mounts() == set()
