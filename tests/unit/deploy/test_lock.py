from pathlib import Path

import pytest

from deploy.errors import DeployError
from deploy.lock import exclusive_run


def test_the_second_run_on_a_stack_is_refused(tmp_path: Path) -> None:
    with (
        exclusive_run(tmp_path, "stack dev"),
        pytest.raises(DeployError, match="another run is working on stack dev"),
        exclusive_run(tmp_path, "stack dev"),
    ):
        pass


def test_runs_on_two_stacks_do_not_meet(tmp_path: Path) -> None:
    with exclusive_run(tmp_path, "stack dev"), exclusive_run(tmp_path, "stack real"):
        pass


def test_the_lock_is_free_after_a_failed_run(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive_run(tmp_path, "stack dev"):
        raise ZeroDivisionError

    with exclusive_run(tmp_path, "stack dev"):
        pass
