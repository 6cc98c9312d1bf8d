"""Everything that can go wrong in the Pulumi program by a user's doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class InfraError(Exception):
    """Root of this folder's errors; its text is one line for each fault."""


class ConfigError(InfraError):
    """The stack's configuration has faults.

    Attributes:
        lines: one line a fault: file, key, value, what is accepted, the edit that mends it.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(self.lines))


class InspectionError(InfraError):
    """A model's file could not be looked into, by no fault of the file; the text says why."""
