"""One workspace for the whole story, told in the order of the files: up, real model, faults, healing, down."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.workspace import ROOT, Workspace, workspace_in
from tests.orphans import end_orphans

SHARED_MODELS = ROOT.parent / "shared" / "models"


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A clone with the stack `first`; whatever it has started is gone at the end."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("the embedded cluster needs root on Linux")
    made = workspace_in(tmp_path_factory.mktemp("e2e"), "embedded-e2e")
    made.write_stack("first")
    yield made
    made.make("down", "STACK=first")
    end_orphans(made.environment["PULUMI_HOME"])
    shutil.rmtree(made.folder)


@pytest.fixture(scope="module")
def with_first(workspace: Workspace) -> Workspace:
    """The workspace, with its cluster and the stack `first` up, whichever stories were told before."""
    result = workspace.make("up", "STACK=first")
    assert result.returncode == 0, result.stdout + result.stderr
    return workspace


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The real classifier and the real photo beside the project."""
    if not SHARED_MODELS.is_dir():
        pytest.skip("the real classifier lies in ../shared/models, which is absent")
    return SHARED_MODELS
