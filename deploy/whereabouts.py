"""Through which context each stack was last deployed: the stacks of an embedded cluster go with it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """A record for each stack, in the user's state folder.

    Attributes:
        folder: where the records lie; it exists.
    """

    folder: Path

    def note(self, stack: str, *, context: str) -> None:
        """Write down where a stack is deployed now."""
        self._record(stack).write_text(json.dumps({"context": context}))

    def forget(self, stack: str) -> None:
        """Drop a stack's record."""
        self._record(stack).unlink(missing_ok=True)

    def stacks_on(self, context: str) -> Iterator[str]:
        """Yield the stacks that were last deployed through a context."""
        for record in sorted(self.folder.glob("*.cluster.json")):
            if json.loads(record.read_text())["context"] == context:
                yield unquote(record.name.removesuffix(".cluster.json"))

    def _record(self, stack: str) -> Path:
        return self.folder / f"{quote(stack, safe='')}.cluster.json"
