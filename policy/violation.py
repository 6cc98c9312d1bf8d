"""What a rule finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policy.resource import Resource


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Something that must not be deployed.

    Attributes:
        resource: where.
        part: of the resource, such as "container triton"; or nothing.
        found: what stands there, in words.
        accepted: what may stand there.
        mend: the edit or command that mends it.
    """

    resource: Resource
    part: str = ""
    found: str
    accepted: str
    mend: str

    @property
    def line(self) -> str:
        """The violation as one line."""
        where = ", ".join(filter(None, (self.resource.place, self.part)))
        return " ".join(f"{where}: {self.found}; accepted: {self.accepted}; mend: {self.mend}".split())
