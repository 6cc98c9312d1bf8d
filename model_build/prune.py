"""What is on a storage, and taking away the plans that no stack names any more."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_build.errors import RepositoryError
from model_build.registrations import Registrations
from model_build.spec import PLAN_ID
from model_build.storage import Storage, opened_storage
from model_build.verify import manifest_from_repository


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What a pruning did.

    Attributes:
        kept: the stack's plans from now on.
        pruned: what was removed.
        named_by_others: what the stack names no more, and another stack does.
        free_bytes: of the storage, afterwards.
    """

    kept: tuple[str, ...]
    pruned: tuple[str, ...]
    named_by_others: tuple[str, ...]
    free_bytes: int


def pruned_storage(root: Path, *, stack: str, keep: Sequence[str]) -> Pruned:
    """Remove the plans that a stack has named and neither it nor another one names any more.

    What the stack named after the newest of the kept plans is kept too: somebody is deploying it just now. An
    engine goes with the last published plan that serves it; sources, downloads and timing caches stay. A pruning
    that is killed leaves nothing half there, and the next one completes it.

    Args:
        root: the storage's folder.
        stack: whose pruning it is.
        keep: ids of the plans that it goes on naming.

    Raises:
        StorageError: a stack's list cannot be read, so that nobody knows what it names; nothing was removed.
    """
    with opened_storage(root) as storage:
        registrations = Registrations(storage)
        with registrations.locked():
            lists = registrations.lists()
            named = {name: registrations.named_by(name, lists) for name in [*lists, stack]}
            own = named.pop(stack)
            others = {plan for plans in named.values() for plan in plans}
            kept = plans_still_named(own, keep)
            dropped = [plan for plan in own if plan not in kept]
            registrations.note_unknown(keep, lists)
            with storage.scratch("prune") as scratch:
                pruned = [plan for plan in dropped if plan not in others and storage.withdraw(plan, scratch)]
                _remove_idle_engines(storage, scratch)
            registrations.write(stack, kept)  # last: a pruning that is killed before is done again
        return Pruned(
            kept=kept,
            pruned=tuple(pruned),
            named_by_others=tuple(plan for plan in dropped if plan in others),
            free_bytes=shutil.disk_usage(root).free,
        )


def _remove_idle_engines(storage: Storage, scratch: Path) -> None:
    """Remove the engines that no published plan serves; a build that wanted one just now compiles it again."""
    served = {_engine_of(storage.repository(plan)) for plan in storage.published_plans()}
    for folder in storage.engines.glob("*"):
        if PLAN_ID.fullmatch(folder.name) and folder.name not in served:
            folder.rename(scratch / f"engine-{folder.name}")


def _engine_of(repository: Path) -> str | None:
    """The id of the engine that a published plan serves; None where it serves none, or says nothing that is read."""
    try:
        return manifest_from_repository(repository).engine_id
    except RepositoryError:
        return None


def plans_still_named(named: Sequence[str], keep: Sequence[str]) -> tuple[str, ...]:
    """Return a stack's list after its pruning.

    Args:
        named: before it, in the order in which the stack last named them.
        keep: what it keeps.
    """
    newest = max((index for index, plan in enumerate(named) if plan in keep), default=-1)
    later = named[newest + 1 :]
    return (*(plan for plan in keep if plan not in named), *(plan for plan in named if plan in keep), *later)


def inventory_of_storage(root: Path) -> dict[str, Any]:
    """Return what is on a storage, as JSON; it only reads.

    Returns:
        ``plans`` that are published, ``freeBytes`` and ``totalBytes`` of the filesystem, and ``stacks`` with the plans
        that each names, null where its list cannot be read.

    Raises:
        StorageError: there is no such folder.
    """
    with opened_storage(root) as storage:
        usage = shutil.disk_usage(root)
        return {
            "plans": storage.published_plans(),
            "freeBytes": usage.free,
            "totalBytes": usage.total,
            "stacks": Registrations(storage).lists(),
        }
