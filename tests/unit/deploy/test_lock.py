from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.lock import stack_lock


def test_the_second_run_on_a_stack_is_refused(tmp_path: Path) -> None:
    with (
        stack_lock(tmp_path, "dev"),
        pytest.raises(DeployError, match="another run is working on stack dev"),
        stack_lock(tmp_path, "dev"),
    ):
        pass


def test_runs_on_two_stacks_do_not_meet(tmp_path: Path) -> None:
    with stack_lock(tmp_path, "dev"), stack_lock(tmp_path, "real"):
        pass


def test_the_lock_is_free_after_a_failed_run(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), stack_lock(tmp_path, "dev"):
        raise ZeroDivisionError

    with stack_lock(tmp_path, "dev"):
        pass
