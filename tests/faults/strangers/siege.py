"""What strangers did to a stack: how each of them ended, and what it cost the replica and the gateway."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from tests.faults.processes import component_pid, process_of_pod
from tests.faults.stack import GatedStack
from tests.faults.strangers.connection import End, Target, ask
from tests.faults.strangers.messages import Attack

SERVER_IS_GONE = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""A gateway's words for a server that it does not reach."""

_AT_ONCE = 8


@dataclass
class Cost:
    """What strangers cost.

    Attributes:
        restarts: of containers, or pods that are not the same.
        replica_mib: by how much the server's memory had grown at its peak.
        gateway_mib: by how much the gateway's had.
    """

    restarts: int = 0
    replica_mib: int = 0
    gateway_mib: int = 0

    def __str__(self) -> str:
        restarts = f"{self.restarts or 'no'} restart{'' if self.restarts == 1 else 's'}"
        return (
            f"{restarts}, the server's memory at most {self.replica_mib:+} MiB, the gateway's {self.gateway_mib:+} MiB"
        )


@dataclass
class Peak:
    """The most memory that a process had at once, since this was made."""

    pid: int
    before_mib: int = field(init=False)

    def __post_init__(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak begins anew
        self.before_mib = self._mib()

    def growth_mib(self) -> int:
        """Return by how much it was more than at the beginning; 0 where the process has ended."""
        with contextlib.suppress(OSError, StopIteration):
            return self._mib() - self.before_mib
        return 0

    def _mib(self) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM:"))


@contextmanager
def watched(stack: GatedStack) -> Iterator[Cost]:
    """Watch the replica and the gateway; what it was is there at the end."""
    pod, cost = stack.pod(), Cost()
    server = process_of_pod(pod["metadata"]["uid"], "tritonserver")
    assert server is not None, "no tritonserver in the pod"
    replica, gateway = Peak(server.pid), Peak(component_pid(stack.cluster, "traefik"))
    try:
        yield cost
    finally:
        cost.replica_mib, cost.gateway_mib = replica.growth_mib(), gateway.growth_mib()
        cost.restarts = len(_containers(stack) - {_container(pod)})


def assault(target: Target, attacks: Sequence[Attack], *, patience_s: float) -> dict[str, End]:
    """Have strangers attack, a few at once; return how each of them ended, by the attack's name."""
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as strangers:
        ends = strangers.map(lambda attack: ask(target, attack(target), patience_s=patience_s), attacks)
        return dict(zip((attack.__name__ for attack in attacks), ends, strict=True))


def counted(ends: Sequence[End]) -> str:
    """Count how strangers ended, in words: `12 x 413, 3 x closed`."""
    said = Counter(str(end.status or ("closed" if end.closed else "silence")) for end in ends)
    return ", ".join(f"{count} x {what}" for what, count in said.most_common())


def _containers(stack: GatedStack) -> set[tuple[str, int]]:
    return {_container(pod) for pod in stack.pods()}


def _container(pod: dict[str, object]) -> tuple[str, int]:
    metadata, status = pod["metadata"], pod["status"]
    assert isinstance(metadata, dict)
    assert isinstance(status, dict)
    return str(metadata["uid"]), sum(int(each["restartCount"]) for each in status.get("containerStatuses", []))
