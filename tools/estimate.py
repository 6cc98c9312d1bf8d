"""How long a build still takes, by what its parts took elsewhere and how fast this machine has been so far."""

import time
from collections.abc import Callable, Mapping

_TRUSTED_SHARE = 0.05  # of the whole: with less done, this machine's pace is taken to be the measured one
_MINUTE_S = 60


class Estimate:
    """The rest of a run that builds several tools, one after the other.

    Args:
        build_s: how long each took where it was measured, in the order of the build.
        clock: seconds, from any beginning.
    """

    def __init__(self, build_s: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._build_s = dict(build_s)
        self._clock = clock
        self._started = clock()
        self._names = list(build_s)

    def text(self, name: str, share: float) -> str:
        """Say where the run is: `3 of 8, about 6 minutes left`.

        Args:
            name: the tool at work.
            share: how much of it is done, 0 to 1.
        """
        position = self._names.index(name)
        total = sum(self._build_s.values())
        done = sum(self._build_s[each] for each in self._names[:position]) + share * self._build_s[name]
        pace = (self._clock() - self._started) / done if done > _TRUSTED_SHARE * total else 1.0
        return f"{position + 1} of {len(self._names)}, {_left((total - done) * pace)}"


def _left(seconds: float) -> str:
    minutes = round(seconds / _MINUTE_S)
    if minutes < 1:
        return "less than a minute left"
    return f"about {minutes} minute{'s' if minutes > 1 else ''} left"
