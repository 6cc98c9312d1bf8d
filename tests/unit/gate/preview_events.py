"""The engine's events, as its event log has them."""

from __future__ import annotations

import json
from typing import Any

_TYPES = {
    "cluster": "pulumi:providers:kubernetes",
    "endpoint-gateway": "kubernetes:gateway.networking.k8s.io/v1:Gateway",
    "endpoint-route": "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
    "namespace": "kubernetes:core/v1:Namespace",
    "plan-job": "kubernetes:batch/v1:Job",
    "storage-claim": "kubernetes:core/v1:PersistentVolumeClaim",
    "storage-volume": "kubernetes:core/v1:PersistentVolume",
    "triton-deployment": "kubernetes:apps/v1:Deployment",
    "triton-service": "kubernetes:core/v1:Service",
}

Event = dict[str, Any]


def urn(name: str) -> str:
    return f"urn:pulumi:x::densenet-triton::{_TYPES.get(name, 'kubernetes:core/v1:ConfigMap')}::{name}"


def step(op: str, name: str, *changed: str, keys: list[str] | None = None, old: str = "", new: str = "") -> Event:
    """A step. `old` and `new` are namespace/name of the object that is there and of the one that will be."""
    metadata: Event = {
        "op": op,
        "urn": urn(name),
        "type": urn(name).split("::")[2],
        "old": {"id": old} if old else None,
        "new": None,
        "keys": keys,
        "diffs": None,
        "detailedDiff": {path: {"diffKind": "update"} for path in changed} or None,
    }
    if new:
        namespace, _, object_name = new.rpartition("/")
        metadata["new"] = {"id": old, "inputs": {"metadata": {"namespace": namespace, "name": object_name}}}
    return {"resourcePreEvent": {"metadata": metadata}}


def replacement(name: str, *changed: str) -> list[Event]:
    """What is replaced after its successor is there."""
    keys = list(changed)
    return [step(op, name, *changed, keys=keys) for op in ("create-replacement", "replace", "delete-replaced")]


def gap(name: str, *changed: str) -> list[Event]:
    """What is replaced after it is gone."""
    keys = list(changed)
    return [step(op, name, *changed, keys=keys) for op in ("delete-replaced", "replace", "create-replacement")]


def error(message: str, name: str = "") -> Event:
    where = {"urn": urn(name)} if name else {}
    return {"diagnosticEvent": {**where, "message": message, "severity": "error", "prefix": "error: "}}


def log(*events: Event, whole: bool = True) -> list[str]:
    """The log's lines; a whole one ends in a summary."""
    summary = [{"summaryEvent": {"isPreview": True}}] if whole else []
    return [json.dumps({"sequence": 1, **event}) + "\n" for event in [*events, *summary]]
