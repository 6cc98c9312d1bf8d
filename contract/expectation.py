"""What a picture must be called, and whether it is; never taken from the model under test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contract.comparison import ranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contract.fields import Fields

SHOWN = 3
"""How many of the best classes a table shows."""


@dataclass(frozen=True)
class Expectation:
    """What a model must answer to one picture.

    Attributes:
        class_index: the class that must come first.
        label: its label; None is not compared.
        top: the first classes in their order, the expected one among them; empty for no more than the first.
        margin: by how much the expected class must lead the next, in units of a score.
    """

    class_index: int
    label: str | None = None
    top: tuple[int, ...] = ()
    margin: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return it as the specification, the manifest and the pods hold it."""
        return {"class": self.class_index, "label": self.label, "top": list(self.top), "margin": self.margin}

    def faults(self, classes: int) -> Iterator[tuple[str, object, str]]:
        """Yield each key that does not fit a model of so many classes, its value, and what is accepted."""
        within = f"a class, 0 to {classes - 1}"
        if self.class_index >= classes:
            yield "class", self.class_index, within
        if len(self.top) > classes:
            yield "top", list(self.top), f"at most {classes} classes, as many as the model has"
        elif len(set(self.top)) != len(self.top):
            yield "top", list(self.top), "each class once"
        elif any(index >= classes for index in self.top):
            yield "top", list(self.top), within
        elif self.top and self.top[0] != self.class_index:
            yield "top", list(self.top), f"a list that begins with the expected class, {self.class_index}"


def expectation_from_fields(fields: Fields) -> Expectation:
    """Take an expectation's keys out of a group, whose end and faults are the caller's to look at."""
    return Expectation(
        class_index=fields.count("class"),
        label=fields.optional_text("label"),
        top=fields.counts("top"),
        margin=fields.number("margin", accepts=lambda margin: margin >= 0, accepted="a number, 0 or more"),
    )


def reasons_against(scores: Sequence[float], expectation: Expectation) -> Iterator[str]:
    """Yield a line for everything in one picture's scores that is not as expected; the label is not looked at.

    Args:
        scores: (classes,), finite.
        expectation: fits as many classes.
    """
    order = ranked(scores)
    expected = expectation.class_index
    if order[0] != expected:
        yield f"first: class {order[0]}, expected {expected}"
        return
    ranks = tuple(order[: len(expectation.top)])
    if ranks != expectation.top:
        yield f"top: classes {list(ranks)}, expected {list(expectation.top)}"
    if len(order) == 1:
        return
    lead = scores[expected] - scores[order[1]]
    if not lead >= expectation.margin:
        yield f"margin: class {expected} leads class {order[1]} by {lead:.6g}, expected {expectation.margin:g} or more"


def table(scores: Sequence[float], labels: Sequence[str]) -> str:
    """Return the best classes of one picture in one line, in the form of the quick start's client."""
    return ", ".join(f"{scores[index]:.6f} ({index}) = {labels[index]}" for index in ranked(scores)[:SHOWN])
