"""The test bed: a stack that serves a proven release, with clients that ask it while a fault is done to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.account import Account, Right
from tests.faults.load import Load
from tests.faults.stack import Gated, GatedStack, Serving, settle
from tests.faults.table import Row
from tests.faults.uploads import Change, Uploads

UNASKED = "not asked"
"""In a row of the table: the gate will be asked after all faults of its kind."""


@dataclass(frozen=True, kw_only=True)
class Bed:
    """What every fault is done to.

    Attributes:
        stack: it serves.
        right: what every answer must be.
        uploads: other plans that answer the same, unless they are spoilt.
        rows: of the table, as far as it has come.
    """

    stack: GatedStack
    right: Right
    uploads: Uploads
    rows: list[Row]

    @contextmanager
    def load(self) -> Iterator[Load]:
        """Have clients ask, from before the fault until after it: at both ends with right answers."""
        with self.stack.load(self.right) as load:
            settle(load)
            yield load
            settle(load)

    def configure(self, name: str, *changes: Change, **groups: dict[str, Any]) -> None:
        """Configure the stack with an upload.

        Args:
            name: of the upload.
            changes: what is spoilt in it.
            groups: other changes of the stack's file.
        """
        model = {"source": self.uploads.source(name, *changes)}
        self.stack.configure(**{**groups, "model": model})

    def survive(self, fault: str, do: Callable[[], None]) -> Account:
        """Do a fault to what runs, and see that the same release serves again; the gate is asked about it later.

        Args:
            fault: in words, for the table.
            do: does it.
        """
        before = self.stack.serving()
        with self.load() as load:
            do()
        account, after = load.account(), self.stack.serving()
        self.record(fault, account, UNASKED, after)
        assert account.wrong == 0, account
        assert after == before
        return account

    def prove_again(self) -> Gated:
        """Run the gate on what serves, and note its word in all rows that have none yet."""
        gated = self.stack.gate()
        unasked = [number for number, row in enumerate(self.rows) if row.gate == UNASKED]
        for number in unasked:
            said = f"{gated} (asked once, after the {len(unasked)} faults of this kind)"
            self.rows[number] = replace(self.rows[number], gate=said)
        return gated

    def put_back(self, fault: str, *, seconds_wrong: float = 0) -> Gated:
        """Run the gate on what the stack's file says, and see that it fails and leaves what served before.

        Args:
            fault: in words, for the table.
            seconds_wrong: for how long wrong answers may be seen, where the fault is that they come.
        """
        before = self.stack.serving()
        with self.load() as load:
            gated = self.stack.gate()
        account, after = load.account(), self.stack.serving()
        self.record(fault, account, str(gated), after)
        assert gated.status == 2, gated.said
        assert account.failed == 0, account
        assert account.wrong_for_s <= seconds_wrong, account
        assert seconds_wrong or account.wrong == 0, account
        assert after.plans == before.plans, gated.said
        return gated

    def record(self, fault: str, account: Account, gate: str, serving: Serving) -> None:
        """Note a row of the table."""
        self.rows.append(Row(fault=fault, account=account, gate=gate, serving=str(serving)))
