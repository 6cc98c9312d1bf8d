"""The budgets that the product promises to keep, and the table that shows whether it does; some figures have none."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budget:
    """A limit that a figure must not pass.

    Attributes:
        what: what is measured.
        limit: the largest figure that passes; None for one that is printed and promised to nobody.
        unit: "s" for seconds, "x" for a ratio of two figures measured in one run.
    """

    what: str
    limit: float | None
    unit: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A budget and the figure that this machine gave."""

    budget: Budget
    measured: float

    @property
    def ratio(self) -> float | None:
        """Measured over allowed; None where nothing is promised."""
        return None if self.budget.limit is None else self.measured / self.budget.limit

    @property
    def passed(self) -> bool:
        """Whether the figure keeps the budget, if there is one."""
        return self.ratio is None or self.ratio <= 1


UP_FROM_NOTHING = Budget(what="make up; tools and images built, plan not, nothing running", limit=75, unit="s")
UP_WITH_PLAN = Budget(what="the same with the plan published", limit=50, unit="s")
UP_UNCHANGED = Budget(what="CPU of make up again, nothing changed / the same at BENCH_BASE", limit=0.5, unit="x")
PREVIEW_UNCHANGED = Budget(what="pulumi preview, nothing changed", limit=5, unit="s")
URL_AGAINST_POD = Budget(what="a request through the URL / the same to the pod", limit=1.2, unit="x")
SECURE_URL_AGAINST_POD = Budget(
    what="a request through the URL, with TLS and a key / the same to the pod", limit=None, unit="x"
)
POD_AGAINST_RUNTIME = Budget(what="a request to the pod / ONNX Runtime in one process", limit=1.15, unit="x")


def table(measurements: Iterable[Measurement]) -> str:
    """Return the measurements as a Markdown table: budget, measured, ratio, pass or fail."""
    rows = ["| what | budget | measured | ratio | |", "|---|---:|---:|---:|---|"]
    for each in measurements:
        budget, measured = each.budget, f"{each.measured:.2f} {each.budget.unit}"
        if budget.limit is None or each.ratio is None:
            rows.append(f"| {budget.what} | none | {measured} | | |")
            continue
        verdict = "pass" if each.passed else "FAIL"
        rows.append(f"| {budget.what} | {budget.limit:g} {budget.unit} | {measured} | {each.ratio:.2f} | {verdict} |")
    return "\n".join(rows)
