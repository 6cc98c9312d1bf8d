"""Gates that are ended in the middle: the next one completes the deployment, and clients notice neither."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.faults.bed import Bed
from tests.faults.processes import has_descendant
from tests.faults.stack import Gated, RunningGate


def in_deployment(bed: Bed) -> Callable[[RunningGate], None]:
    """Until the build of a new plan has begun: Pulumi is in the middle of its work."""
    known = bed.stack.jobs()

    def until(running: RunningGate) -> None:
        running.until("the build", lambda: None if bed.stack.jobs() - known else "no new Job")

    return until


def in_smoke_tests(running: RunningGate) -> None:
    """Until the smoke tests' own runner is at work."""
    running.until(
        "the smoke tests", lambda: None if has_descendant(running.process.pid, "smoke_tests") else "no such process"
    )


def ended_and_completed(
    bed: Bed, fault: str, until: Callable[[RunningGate], None], number: signal.Signals
) -> tuple[Gated, Gated]:
    """End a gate with all of its process group, then run another; return how both ended."""
    before = bed.stack.serving()
    with bed.load() as load:
        with bed.stack.gating() as running:
            until(running)
            os.killpg(running.process.pid, number)
            running.wait()
        again = bed.stack.gate()
    account, ended, after = load.account(), running.ended(), bed.stack.serving()
    bed.record(fault, account, f"{ended}; the next: {again}", after)
    assert again.status == 0, again.said
    assert (account.wrong, account.failed) == (0, 0), account
    assert after.plans.isdisjoint(before.plans), "the new plan does not serve"
    return ended, again


def test_ctrl_c_while_pulumi_deploys(bed: Bed) -> None:
    bed.configure("stopped")

    ended, _ = ended_and_completed(bed, "Ctrl-C while Pulumi deploys", in_deployment(bed), signal.SIGINT)

    assert ended.status == 130, ended.said
    assert "Traceback" not in ended.said


def test_kill_9_while_pulumi_deploys(bed: Bed) -> None:
    bed.configure("killed")

    ended, _ = ended_and_completed(
        bed, "`kill -9` of the gate while Pulumi deploys", in_deployment(bed), signal.SIGKILL
    )

    assert ended.status == -signal.SIGKILL


@pytest.mark.sample
def test_kill_9_while_the_smoke_tests_run(bed: Bed) -> None:
    bed.configure("smoked")

    ended, _ = ended_and_completed(
        bed, "`kill -9` of the gate with its smoke tests' runner", in_smoke_tests, signal.SIGKILL
    )

    assert ended.status == -signal.SIGKILL
