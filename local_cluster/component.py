"""What a component of a cluster is: one supervised process."""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from local_cluster.program_copies import ProgramCopy


class Need(enum.Enum):
    """What a component needs of the others at the cluster's start."""

    NOTHING = enum.auto()
    API_SERVER = enum.auto()
    DEFINITIONS = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Component:
    """One supervised process.

    Attributes:
        name: as users say it to `logs` and see it in `status`.
        command: absolute path of the program, and its arguments.
        reads: files that it reads at its start; where one changes, it is restarted.
        environment: variables beyond those that all components have.
        needs: what must be there when it is started for the first time; later it waits for itself.
        programs: digests of the copies that the command names; where one changes, it is restarted.
    """

    name: str
    command: tuple[str, ...]
    reads: tuple[Path, ...]
    environment: tuple[tuple[str, str], ...] = ()
    needs: Need = Need.NOTHING
    programs: tuple[str, ...] = ()

    def running(self, copies: Mapping[str, ProgramCopy]) -> "Component":
        """Return it with the copies, each by its original's path, in the place of their originals."""
        named = [copies[word] for word in self.command if word in copies]
        command = tuple(str(copies[word].path) if word in copies else word for word in self.command)
        return replace(self, command=command, programs=tuple(copy.digest for copy in named))

    def digest(self) -> str:
        """Return a hash over the content of all that it reads, and of its programs."""
        total = hashlib.sha256("".join(self.programs).encode())
        for path in self.reads:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()[:16]
