import subprocess
import sys

import pytest

from bench.cost import cpu_medians_s, is_unchanged, loop_s

BUSY = [sys.executable, "-S", "-c", "sum(range(3_000_000))"]


def test_commands_are_run_in_turn_and_what_they_wait_for_counts() -> None:
    order: list[str] = []

    def idle() -> None:
        order.append("idle")

    def busy() -> None:
        order.append("busy")
        subprocess.run(["sh", "-c", '"$@"; true', "sh", *BUSY], check=True)

    medians = cpu_medians_s({"idle": idle, "busy": busy}, rounds=2)

    assert order == ["idle", "busy", "idle", "busy"]
    assert medians["idle"] == 0
    assert medians["busy"] > 0


def test_the_machine_has_a_speed() -> None:
    assert loop_s() > 0


@pytest.mark.parametrize(
    ("summary", "unchanged"),
    [
        ("Resources:\n    27 unchanged\n\nDuration: 3s", True),
        ("Resources:\n    ~ 1 updated\n    26 unchanged\n", False),
        ("Resources:\n    + 27 created\n", False),
        ("27 unchanged", False),
    ],
)
def test_unchanged_is_what_pulumi_says(summary: str, *, unchanged: bool) -> None:
    assert is_unchanged(f"Updating (dev):\n\n{summary}\ncluster embedded is up\n") is unchanged
