import pytest

from local_cluster.awaiting import await_condition
from local_cluster.errors import DeadlineError


class Clock:
    """A monotonic clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("local_cluster.awaiting.time", made)
    return made


def test_a_condition_that_holds_costs_no_time_and_no_word(clock: Clock) -> None:
    said: list[str] = []

    await_condition("rain", lambda: None, deadline_s=1, say=said.append)

    assert (clock.now, said) == (0.0, [])


def test_a_long_wait_is_told_once(clock: Clock) -> None:
    said: list[str] = []

    await_condition("rain", lambda: None if clock.now > 3 else "dry", deadline_s=10, say=said.append)

    assert said == ["waiting for rain"]
    assert clock.now < 3.5


def test_at_the_deadline_the_last_reason_is_told(clock: Clock) -> None:
    with pytest.raises(DeadlineError, match=r"gave up waiting for rain after 2 s: dry at [12]\.\d"):
        await_condition("rain", lambda: f"dry at {clock.now:.1f}", deadline_s=2)

    assert 2 < clock.now < 2.5
