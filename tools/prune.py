"""Removing what older pins have left in the cache."""

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tools.cache import Cache
from tools.privileges import as_root

_UNUSED_S = 14 * 24 * 3600
"""For so long a product stays that this clone does not want: another clone or branch may."""


def mark_used(places: Iterable[Path]) -> None:
    """Note that what is published there was used now."""
    for place in places:
        with suppress(OSError):  # a cache that can only be read, or another run has just removed it
            os.utime(place)


def prune(wanted: Collection[Path], cache: Cache, *, now_s: float | None = None) -> list[Path]:
    """Remove products of other pins that nothing has used for two weeks and no process runs from.

    Args:
        wanted: where all that this clone can want is published, be it there or not: `<name>-<16 digits>` each.
        cache: the cache.
        now_s: seconds since the epoch; without it the clock's.

    Returns:
        What was removed.
    """
    now_s = time.time() if now_s is None else now_s
    with as_root():  # a cluster's processes are root's
        running = list(_running_programs())
    removed = []
    for name in sorted({place.name.rpartition("-")[0] for place in wanted}):
        for place in cache.folder.glob(f"{name}-{'[0-9a-f]' * 16}"):
            with suppress(OSError):  # another run is at it, or it is another user's
                is_old = now_s - place.stat().st_mtime > _UNUSED_S
                if place not in wanted and is_old and not any(path.is_relative_to(place) for path in running):
                    cache.discard(place)
                    removed.append(place)
    return removed


def _running_programs() -> Iterator[Path]:
    """Yield the program of each process that may be looked at; where there is no /proc, none."""
    for link in Path("/proc").glob("[0-9]*/exe"):
        try:
            yield link.readlink()
        except OSError:
            continue  # it has ended, or is another user's
