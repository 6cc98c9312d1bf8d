"""Which cluster each stack was last deployed to: behind one context there may be another cluster tomorrow."""

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

    def identity(self, stack: str) -> str | None:
        """Return the identity of the cluster that a stack was last deployed to, if it was."""
        record = self._record(stack)
        return str(json.loads(record.read_text())["identity"]) if record.exists() else None

    def note(self, stack: str, *, context: str, identity: str, namespace: str) -> None:
        """Write down where a stack is deployed now."""
        record = {"context": context, "identity": identity, "namespace": namespace}
        self._record(stack).write_text(json.dumps(record))

    def forget(self, stack: str) -> None:
        """Drop a stack's record."""
        self._record(stack).unlink(missing_ok=True)

    def stacks_on(self, context: str) -> Iterator[str]:
        """Yield the stacks that were last deployed through a context."""
        return self._stacks(context=context)

    def stacks_in(self, namespace: str, *, identity: str) -> Iterator[str]:
        """Yield the stacks that were last deployed to a namespace of a cluster."""
        return self._stacks(namespace=namespace, identity=identity)

    def _stacks(self, **sought: str) -> Iterator[str]:
        for record in sorted(self.folder.glob("*.cluster.json")):
            if sought.items() <= json.loads(record.read_text()).items():
                yield unquote(record.name.removesuffix(".cluster.json"))

    def _record(self, stack: str) -> Path:
        return self.folder / f"{quote(stack, safe='')}.cluster.json"
