"""The budgets that the product promises to keep, and the table that shows whether it does."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A limit that a figure must not pass.

    Attributes:
        what: what is measured.
        limit: the largest figure that passes.
        unit: "s" for seconds, "x" for a ratio of two figures measured in one run.
    """

    what: str
    limit: float
    unit: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A budget and the figure that this machine gave."""

    budget: Budget
    measured: float

    @property
    def ratio(self) -> float:
        """Measured over allowed."""
        return self.measured / self.budget.limit

    @property
    def passed(self) -> bool:
        """Whether the figure keeps the budget."""
        return self.ratio <= 1


UP_FROM_NOTHING = Budget(what="make up; tools and images built, plan not, nothing running", limit=75, unit="s")
UP_WITH_PLAN = Budget(what="the same with the plan published", limit=50, unit="s")
UP_UNCHANGED = Budget(what="CPU of make up again, nothing changed / the same at BENCH_BASE", limit=0.5, unit="x")
PREVIEW_UNCHANGED = Budget(what="pulumi preview, nothing changed", limit=5, unit="s")
URL_AGAINST_POD = Budget(what="a request through the URL / the same to the pod", limit=1.2, unit="x")
POD_AGAINST_RUNTIME = Budget(what="a request to the pod / ONNX Runtime in one process", limit=1.15, unit="x")


def table(measurements: Iterable[Measurement]) -> str:
    """Return the measurements as a Markdown table: budget, measured, ratio, pass or fail."""
    rows = ["| what | budget | measured | ratio | |", "|---|---:|---:|---:|---|"]
    for each in measurements:
        budget, verdict = each.budget, "pass" if each.passed else "FAIL"
        figures = f"{budget.limit:g} {budget.unit} | {each.measured:.2f} {budget.unit} | {each.ratio:.2f}"
        rows.append(f"| {budget.what} | {figures} | {verdict} |")
    return "\n".join(rows)
