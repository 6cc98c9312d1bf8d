"""A cluster for what deploys, of objects in memory."""

import json
from typing import Any

from deploy.errors import ForbiddenError
from infra.config import Cluster as ClusterConfig


class StandIn:
    """Answers `kubectl get … --output=json` as the real one does, and remembers what it was asked.

    Args:
        objects: by what is asked for, `namespace triton`; a list of them, `storageclasses`, by its items.
        forbidden: kinds that this user may not read.
        config: of the configuration's group `cluster`.
    """

    def __init__(
        self, objects: dict[str, Any] | None = None, *, forbidden: tuple[str, ...] = (), **config: Any
    ) -> None:
        self._objects, self._forbidden = objects or {}, forbidden
        self.config = ClusterConfig(**({"context": "prod", "namespace": "triton"} | config))
        self.asked: list[str] = []

    def kubectl(self, verb: str, *arguments: str) -> str:
        what = " ".join(argument for argument in arguments if not argument.startswith("--"))
        self.asked.append(what)
        assert verb == "get"
        if what.partition(" ")[0].partition("/")[0] in self._forbidden:
            raise ForbiddenError(f"'kubectl get {what}' ended with status 1: Error from server (Forbidden): no")
        found = self._objects.get(what)
        return "" if found is None else json.dumps({"items": found} if isinstance(found, list) else found)


def resource(kind_and_name: str, *, name: str = "", uid: str = "", **more: Any) -> dict[str, Any]:
    """A resource as `pulumi stack export` gives it."""
    return {
        "urn": f"urn:pulumi:prod::densenet-triton::{kind_and_name}",
        "inputs": {"metadata": {"name": name}},
        "outputs": {"metadata": {"uid": uid}},
        **more,
    }


def state_of(*resources: dict[str, Any]) -> dict[str, Any]:
    """A state as `pulumi stack export` gives it."""
    return {"deployment": {"resources": list(resources)}}
