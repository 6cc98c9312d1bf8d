"""Who holds a lease: a process, told apart from every other on any machine.

A host's name says little: two containers may share it, and each has a process 1. A process is known by the start of its
kernel, by its PID namespace, by its number there and by its own start. Whoever is in another place than this process
may live, however little of it is seen from here.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PROC = Path("/proc")
_UNKNOWN = "-"
_STATE, _STARTED = 0, 19  # the third and the 22nd field of proc(5)'s stat, counted after the name


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A run's process.

    Attributes:
        host: the machine's name, for people.
        place: which kernel, and which of its PID namespaces; `-` where the system doesn't say.
        pid: number of the process there.
        started: when it was started, in the kernel's own count; `-` where the system doesn't say.
        run: what it does: a gate's run, or `make up`.
    """

    host: str
    place: str
    pid: int
    started: str
    run: str

    @classmethod
    def of_this_process(cls, run: str) -> Self:
        """This process, under the name of what it does."""
        pid = os.getpid()
        return cls(host=socket.gethostname(), place=_place(), pid=pid, started=_started(pid) or _UNKNOWN, run=run)

    @classmethod
    def from_identity(cls, identity: str) -> Self:
        """Read what stands in a lease; whatever it is, it is somebody."""
        where, _, rest = identity.partition(" ")
        process, _, run = rest.partition(" ")
        host, _, place = where.partition("/")
        pid, _, started = process.partition("/")
        number = int(pid) if pid.isdecimal() else 0
        return cls(host=host, place=place or _UNKNOWN, pid=number, started=started or _UNKNOWN, run=run or _UNKNOWN)

    @property
    def identity(self) -> str:
        """What stands in the lease: three words, as always; an older program takes the first for a host's name."""
        return f"{self.host}/{self.place} {self.pid}/{self.started} {self.run}"

    @property
    def is_dead(self) -> bool:
        """Whether this machine knows that it has ended; of what is elsewhere nothing is known here."""
        if _UNKNOWN in {self.place, self.started} or self.place != _place() or self.pid <= 0:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OverflowError:
            return False
        except PermissionError:
            pass  # somebody else's, and alive
        started = _started(self.pid)
        return started is not None and started != self.started

    def __str__(self) -> str:
        return f"run {self.run} on {self.host}, process {self.pid}"


def _place() -> str:
    try:
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
        namespace = str((_PROC / "self" / "ns" / "pid").readlink())  # pid:[4026531836]
    except OSError:
        return _UNKNOWN
    return f"{boot}/{namespace.removeprefix('pid:[').removesuffix(']')}"


def _started(pid: int) -> str | None:
    """When a process was started; one that has ended and was not yet taken note of has no such time."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return "ended" if fields[_STATE] in {"Z", "X"} else fields[_STARTED]
