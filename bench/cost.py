"""What a command costs the processors, and how fast they are."""

import re
import resource
import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 3
_LOOP = 10_000_000
_UNCHANGED = re.compile(r"^Resources:\n +\d+ unchanged$", re.MULTILINE)


def cpu_medians_s(calls: Mapping[str, Callable[[], object]], *, rounds: int = ROUNDS) -> dict[str, float]:
    """Run calls in turn, A B A B …, each of which runs a command to its end.

    Returns:
        The median of each, in CPU seconds of the command and of all that it has waited for; what goes on running
        behind it, as a cluster does, is not among them.
    """
    costs: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            before = _children_s()
            call()
            costs[name].append(_children_s() - before)
    return {name: statistics.median(values) for name, values in costs.items()}


def loop_s() -> float:
    """Return the CPU seconds of ten million additions in Python, the fastest of three: how fast this machine is."""
    return min(_counted_s() for _ in range(ROUNDS))


def is_unchanged(said: str) -> bool:
    """Whether Pulumi says in `make up`'s output that it has changed nothing."""
    return _UNCHANGED.search(said) is not None


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _counted_s() -> float:
    start, number = time.process_time(), 0
    while number < _LOOP:
        number += 1
    return time.process_time() - start
