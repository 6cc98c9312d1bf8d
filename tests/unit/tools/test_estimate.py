import pytest

from tests.unit.tools.conftest import Clock
from tools.estimate import Estimate


@pytest.fixture
def estimate(clock: Clock) -> Estimate:
    return Estimate({"a": 100, "b": 300, "c": 200}, clock)


def test_the_first_guess_is_what_was_measured(estimate: Estimate) -> None:
    assert estimate.text("a", 0) == "1 of 3, about 10 minutes left"


def test_a_slow_machine_is_known_by_what_it_has_done(estimate: Estimate, clock: Clock) -> None:
    clock.now += 200  # twice as long as was measured

    assert estimate.text("b", 0) == "2 of 3, about 17 minutes left"
    assert estimate.text("b", 0.9) == "2 of 3, about 2 minutes left"


def test_a_machine_that_has_done_next_to_nothing_is_not_judged(estimate: Estimate, clock: Clock) -> None:
    clock.now += 60

    assert estimate.text("a", 0.1) == "1 of 3, about 10 minutes left"


def test_the_end_is_less_than_a_minute(estimate: Estimate, clock: Clock) -> None:
    clock.now += 600

    assert estimate.text("c", 0.99) == "3 of 3, less than a minute left"
    assert estimate.text("c", 0.7) == "3 of 3, about 1 minute left"
