"""A cluster that keeps what is created, as the API server does, and refuses what it refuses."""

import json
from dataclasses import dataclass, field
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from infra.config import Cluster as ClusterConfig


@dataclass(frozen=True, kw_only=True)
class StandInCluster(Cluster):
    """The part of kubectl that the gate uses, over objects in memory."""

    config: ClusterConfig = field(default_factory=lambda: ClusterConfig(context="c", namespace="triton-staging"))
    environment: dict[str, str] = field(default_factory=dict)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def kubectl(self, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        verb, *rest = arguments
        assert timeout_s > 0
        if verb in {"create", "replace"}:
            document = json.loads(input_text) if input_text else {"kind": "Namespace", "metadata": {"name": rest[1]}}
            self._write(document, verb)
            return json.dumps(document)
        kind, *named = rest[0].split("/")
        kind = kind.removesuffix("s")
        names = [*named, *(each for each in rest[1:] if not each.startswith("--"))]
        if verb == "delete":
            for name in names:
                self.objects.pop((kind, name), None)
            return ""
        if names:
            found = self.objects.get((kind, names[0]))
            return json.dumps(found) if found else ""
        return json.dumps({"items": [each for (of, _), each in self.objects.items() if of == kind]})

    def _write(self, document: dict[str, Any], verb: str) -> None:
        key = (document["kind"].lower(), document["metadata"]["name"])
        old = self.objects.get(key)
        if verb == "create" and old:
            raise CommandFailedError("Error from server (AlreadyExists): it is there")
        version = document["metadata"].get("resourceVersion")
        if verb == "replace" and (old is None or old["metadata"]["resourceVersion"] != version):
            raise CommandFailedError("Error from server (Conflict): the object has been modified")
        document["metadata"]["resourceVersion"] = str(int(version or 0) + 1)
        document["metadata"]["creationTimestamp"] = f"2026-11-23T00:00:{len(self.objects):02}Z"
        self.objects[key] = document
