"""Objects and events as a real cluster has given them, as far as they say why something waits."""

from typing import Any

from deploy.waits.reasons.reason import Patience

NAMESPACE = "triton-dev"
PATIENCE = Patience(placement_s=120, ending_s=20)


def event(kind: str, name: str, reason: str, message: str, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": at},
        "involvedObject": {"kind": kind, "name": name},
        "reason": reason,
        "message": message,
        "lastTimestamp": at,
        "series": None,
    }


def thing(kind: str, name: str, status: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", **parts.pop("metadata", {})}
    return {"kind": kind, "metadata": metadata, "spec": parts.pop("spec", {}), "status": status or {}, **parts}


def waiting_pod(reason: str, message: str = "", **container: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    status = {"name": "triton", "image": "registry.example/triton:1", "state": state, **container}
    return thing(
        *("Pod", "triton-1", {"phase": "Pending", "containerStatuses": [status]}),
        metadata={"labels": {"app.kubernetes.io/name": "triton"}},
        spec={"imagePullSecrets": container.get("secrets", [])},
    )
