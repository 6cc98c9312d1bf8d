"""What Pulumi's engine is about, from the event log that it writes while it works."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.waits.reasons.reason import Part

_PARTS: dict[str, frozenset[Part]] = {
    "Job": frozenset({"build", "storage"}),
    "Deployment": frozenset({"serving", "storage"}),
    "PersistentVolumeClaim": frozenset({"storage"}),
    "Gateway": frozenset({"endpoint"}),
    "HTTPRoute": frozenset({"endpoint"}),
}
"""What Kubernetes works on while Pulumi waits for an object of a kind."""

_AWAITED = frozenset({"create", "update", "create-replacement"})


@dataclass(kw_only=True)
class EngineEvents:
    """An event log, read as far as it is written.

    Attributes:
        file: the log; it may not be there yet.
        awaited: kinds of the objects that Pulumi makes or changes now, by URN.
        errors: what the engine has said, by the URN of where, in its own lines.
    """

    file: Path
    awaited: dict[str, str] = field(default_factory=dict)
    errors: list[tuple[str, str]] = field(default_factory=list)
    _offset: int = 0

    def read(self) -> None:
        """Take up what has been written since the last time; a line that is not whole yet waits."""
        if not self.file.exists():
            return
        with self.file.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._take(json.loads(line))

    @property
    def parts(self) -> frozenset[Part]:
        """What is waited for now."""
        return frozenset(part for kind in self.awaited.values() for part in _PARTS.get(kind, ()))

    def _take(self, event: dict[str, Any]) -> None:
        for name in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
            if metadata := event.get(name, {}).get("metadata"):
                urn, kind = str(metadata["urn"]), str(metadata["type"]).rpartition(":")[2]
                if name == "resourcePreEvent" and metadata["op"] in _AWAITED and kind in _PARTS:
                    self.awaited[urn] = kind
                else:
                    self.awaited.pop(urn, None)
        said = event.get("diagnosticEvent", {})
        if said.get("severity") == "error":
            self.errors.append((str(said.get("urn", "")), str(said.get("message", ""))))
