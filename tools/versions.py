"""Versions as programs print them, and ranges of them as `programs.toml` writes them."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

Version = tuple[int, ...]

_OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    "<": operator.lt,
    "==": operator.eq,
}


def version_in(text: str) -> Version | None:
    """Return the first version of three numbers in a text, such as (1, 37, 2) in `Kubernetes v1.37.2`."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else None


@dataclass(frozen=True)
class VersionRange:
    """What `>=1.36, <1.39` says: every clause holds; a missing number counts as 0."""

    text: str
    clauses: tuple[tuple[str, Version], ...]

    @classmethod
    def parsed(cls, text: str) -> "VersionRange":
        """Read clauses of `>=`, `<` and `==`, separated by commas.

        Raises:
            ValueError: a clause is none of these.
        """
        clauses = []
        for clause in text.split(","):
            found = re.fullmatch(r"\s*(>=|<|==)(\d+(?:\.\d+){0,2})\s*", clause)
            if found is None:
                raise ValueError(f"{clause!r} is no version clause; accepted: >=1.2, <2, ==1.2.3")
            numbers = [int(number) for number in found[2].split(".")]
            clauses.append((found[1], tuple(numbers + [0] * (3 - len(numbers)))))
        return cls(text, tuple(clauses))

    def __contains__(self, version: Version) -> bool:
        return all(_OPERATORS[comparison](version, limit) for comparison, limit in self.clauses)

    def __str__(self) -> str:
        return self.text
