"""Which stack names which plan on a storage, so that none is pruned that another one still serves."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from model_build.errors import StorageError
from model_build.spec import PLAN_ID
from model_build.storage import Storage, locked, sync

Lists = Mapping[str, tuple[str, ...] | None]
"""Each stack's plans in the order in which it last named them; None where its file cannot be read."""

_UNREGISTERED: Final = "_unregistered"


@dataclass(frozen=True)
class Registrations:
    """The lists ``stacks/<stack>.json``: each the ids of the plans that one stack has named since its last pruning.

    A build names its plan before it looks for it, and pruning takes from a list only what its own stack has named
    there. So what was published before there were such lists is never pruned. Nor is it once a stack names it,
    for another may serve it that keeps no list: such a plan is put into ``stacks/_unregistered.json`` too, and stays
    until a person takes it out of there.
    """

    storage: Storage

    @property
    def folder(self) -> Path:
        """Where the lists lie."""
        return self.storage.root / "stacks"

    def lists(self) -> Lists:
        """Read every stack's list."""
        return {path.stem: _list_from_file(path) for path in sorted(self.folder.glob("*.json"))}

    def add(self, stack: str, plan_id: str) -> None:
        """Note that a stack names a plan, as the last that it named.

        Raises:
            StorageError: the stack's list cannot be read.
        """
        try:
            with self.locked():
                lists = self.lists()
                before = self.named_by(stack, lists)
                self.note_unknown([plan_id], lists)
                self.write(stack, [*(plan for plan in before if plan != plan_id), plan_id])
        except OSError:  # such as a full storage: what is on the list already is safe there
            if plan_id not in (_list_from_file(self._file(stack)) or ()):
                raise

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other build and pruning of this storage from the lists."""
        self.folder.mkdir(exist_ok=True)
        # An NFS client that has changed a folder reads it anew: no list that another client has just made is missed.
        with locked(self.folder / ".lock"), tempfile.NamedTemporaryFile(dir=self.folder, prefix="."):
            yield

    def write(self, stack: str, plans: Sequence[str]) -> None:
        """Replace a stack's list by one rename."""
        written = self.folder / f".{stack}.new"
        written.write_text(json.dumps(plans) + "\n")
        sync(written)
        written.rename(self._file(stack))
        sync(self.folder)

    def note_unknown(self, plans: Sequence[str], lists: Lists) -> None:
        """Keep those plans for good that are published though no stack has named them."""
        named = {plan for listed in lists.values() for plan in listed or ()}
        unknown = [plan for plan in plans if plan not in named and self.storage.repository(plan).is_dir()]
        if unknown:
            self.write(_UNREGISTERED, [*self.named_by(_UNREGISTERED, lists), *unknown])

    def named_by(self, stack: str, lists: Lists) -> tuple[str, ...]:
        """Return what a stack names.

        Raises:
            StorageError: its list cannot be read.
        """
        plans = lists.get(stack, ())
        if plans is None:
            raise StorageError(
                f"{self._file(stack)} is no list of plans, and nothing was published or pruned; accepted: a JSON list "
                "of plan ids; write all those into it that the stack may serve"
            )
        return plans

    def _file(self, stack: str) -> Path:
        return self.folder / f"{stack}.json"


def _list_from_file(path: Path) -> tuple[str, ...] | None:
    try:
        plans = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(plans, list) or not all(isinstance(plan, str) and PLAN_ID.fullmatch(plan) for plan in plans):
        return None
    return tuple(plans)
