import pytest

from bench.budgets import Budget, Measurement, table

UP = Budget(what="make up again", limit=10, unit="s")


@pytest.mark.parametrize(("measured", "passed"), [(9.99, True), (10.0, True), (10.01, False)])
def test_a_budget_is_kept_up_to_its_limit(measured: float, *, passed: bool) -> None:
    assert Measurement(budget=UP, measured=measured).passed is passed


def test_the_table_shows_budget_measured_ratio_and_verdict() -> None:
    assert table([Measurement(budget=UP, measured=4), Measurement(budget=UP, measured=12.5)]).splitlines()[2:] == [
        "| make up again | 10 s | 4.00 s | 0.40 | pass |",
        "| make up again | 10 s | 12.50 s | 1.25 | FAIL |",
    ]


def test_figure_without_a_budget_is_shown_and_fails_nothing() -> None:
    figure = Measurement(budget=Budget(what="with TLS", limit=None, unit="x"), measured=1.5)
    assert figure.passed
    assert table([figure]).splitlines()[-1] == "| with TLS | none | 1.50 x | | |"
