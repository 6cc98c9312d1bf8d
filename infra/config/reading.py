"""Reads the files that the configuration names, and keeps what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.config.faults import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from infra.config.faults import StackFile


@dataclass(kw_only=True)
class FileReader:
    """Reads files, and keeps the faults.

    Attributes:
        file: the stack's file, for the edits that mend.
        repository: where relative paths begin.
        faults: what was wrong so far.
    """

    file: StackFile
    repository: Path
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, key: str, found: str, *, accepted: str, mend: str) -> None:
        """Keep a fault."""
        self.faults.append(Fault(key=key, found=found, accepted=accepted, mend=mend))

    def bytes_of(self, key: str, path: Path, *, largest: int, accepted: str, mend: str) -> bytes | None:
        """The bytes of a file, or None and a fault.

        Args:
            key: dotted key that names the file.
            path: as it names it.
            largest: how many bytes are read.
            accepted: what else is, beside a file of so many bytes; follows at once.
            mend: the edit that mends.
        """
        try:
            size = (self.repository / path).stat().st_size
            if 0 < size <= largest:
                return (self.repository / path).read_bytes()
            found = f"{path}, which has {size} bytes"
        except OSError as error:
            found = f"{path}: {error.strerror}"
        self.refuse(key, f"is {found}", accepted=f"a file of 1 to {largest} bytes{accepted}", mend=mend)
        return None
