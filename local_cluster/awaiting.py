"""The one place that waits: short polls inside a deadline on the monotonic clock."""

import time
from collections.abc import Callable

from local_cluster.errors import DeadlineError

_POLL_S = 0.1
_QUIET_S = 0.5


def await_condition(
    what: str,
    reason_it_is_not: Callable[[], str | None],
    *,
    deadline_s: float,
    say: Callable[[str], None] = lambda _line: None,
) -> None:
    """Return as soon as a condition holds.

    Args:
        what: the condition, as in "waiting for <what>".
        reason_it_is_not: None when the condition holds, else why it does not; may raise to give up at once.
        deadline_s: how long to wait at most.
        say: takes one line for the user, when the wait is long enough to be noticed.

    Raises:
        DeadlineError: the condition did not come true; names the last reason.
    """
    start = time.monotonic()
    said = False
    while (reason := reason_it_is_not()) is not None:
        waited_s = time.monotonic() - start
        if waited_s > deadline_s:
            raise DeadlineError(f"gave up waiting for {what} after {deadline_s:.0f} s: {reason}")
        if waited_s > _QUIET_S and not said:
            say(f"waiting for {what}")
            said = True
        time.sleep(_POLL_S)
