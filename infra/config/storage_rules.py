"""What must hold within the group ``storage``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.config.faults import Fault, shown
from infra.config.schema import fields_of
from infra.config.storages import ClaimStorage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config.faults import StackFile


def storage_faults(storage: object, file: StackFile) -> Iterator[Fault]:
    """A claim that exists is what it is: nothing is said of how it would be made.

    Args:
        storage: the group, if it is right by itself.
        file: the stack's file, for the edits that mend.
    """
    if not isinstance(storage, ClaimStorage) or storage.claim is None:
        return
    written = storage.model_dump(by_alias=True, exclude_unset=True)
    for key, _ in fields_of(ClaimStorage):
        if key in written and key not in {"kind", "claim"}:
            yield Fault(
                key=f"storage.{key}",
                found=f"is {shown(written[key])} beside storage.claim, whose claim {storage.claim} exists",
                accepted="storage.claim alone, or the keys of a claim that the stack makes",
                mend=file.removing(f"storage.{key}"),
            )
