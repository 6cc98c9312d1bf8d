"""Why there is no URL: what a Gateway's controller says of the Gateway, its listeners and its routes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.waits.reasons.reason import LATER_S, Reason

_PASSING = frozenset({"Pending", "AddressNotAssigned", "UnresolvedAddress", "BackendNotFound"})
"""A controller's reasons for what it expects to come."""

_UNISSUED = frozenset({"InvalidCertificateRef", "Invalid", "ListenersNotValid", "NoMatchingParent"})
"""What it says of a Gateway, and of its routes, until cert-manager has made the certificate."""

_ISSUER = "cert-manager.io/"

_BAD_IF_TRUE = frozenset({"Conflicted", "OverlappingTLSConfig"})
_KINDS = frozenset({"Gateway", "HTTPRoute"})


def route_reasons(objects: Sequence[Mapping[str, Any]]) -> Iterator[Reason]:
    """Say why a Gateway or a route is not up.

    Args:
        objects: Gateways and HTTPRoutes of one stack as the API gives them; others are passed over.
    """
    passing = _PASSING | _UNISSUED if any(map(_is_issued, objects)) else _PASSING
    for each in (each for each in objects if each["kind"] in _KINDS):
        status = each.get("status", {})
        listeners = [condition for listener in status.get("listeners") or [] for condition in _conditions(listener)]
        parents = [condition for parent in status.get("parents") or [] for condition in _conditions(parent)]
        found = [
            reason
            for condition in [*listeners, *_conditions(status), *parents]
            if (reason := _of(each, condition, passing))
        ]
        yield from found
        if not found and not _was_taken_up(each):
            yield _nobody(each)


def _conditions(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(status.get("conditions") or [])


def _is_issued(each: Mapping[str, Any]) -> bool:
    """Whether cert-manager makes a Gateway's certificate."""
    annotations = each["metadata"].get("annotations") or {}
    return each["kind"] == "Gateway" and any(name.startswith(_ISSUER) for name in annotations)


def _of(each: Mapping[str, Any], condition: Mapping[str, Any], passing: frozenset[str]) -> Reason | None:
    kind, reason = str(condition["type"]), str(condition.get("reason", ""))
    is_bad = condition["status"] == ("True" if kind in _BAD_IF_TRUE else "False")
    if not is_bad or condition.get("observedGeneration", 0) < each["metadata"].get("generation", 0):
        return None
    if reason == "NoConflicts" or (reason == "Pending" and "Waiting for controller" in str(condition.get("message"))):
        return None
    message = " ".join(str(condition.get("message", "")).split())
    cure = _certificate_cure(each) if reason == "InvalidCertificateRef" else ""
    return _reason(each, f"{kind}: {reason}: {message}", None if reason in passing else LATER_S, cure)


def _certificate_cure(each: Mapping[str, Any]) -> str:
    if _is_issued(each):
        return f"cert-manager makes it: kubectl describe certificates --namespace={each['metadata'].get('namespace')}"
    return "endpoint.tls.secret names a Secret of type kubernetes.io/tls in the stack's namespace"


def _was_taken_up(each: Mapping[str, Any]) -> bool:
    """Whether a controller has said anything; the API server itself writes a Gateway's first conditions."""
    status = each.get("status", {})
    said = [
        condition for condition in _conditions(status) if "Waiting for controller" not in condition.get("message", "")
    ]
    return bool(said or status.get("parents"))


def _nobody(each: Mapping[str, Any]) -> Reason:
    if each["kind"] == "Gateway":
        name = each["spec"].get("gatewayClassName")
        cure = f"set endpoint.gatewayClass to one whose controller runs: kubectl get gatewayclass {name}"
        return _reason(each, f"no controller has taken it up; its class is {name}", None, cure)
    return _reason(each, "no controller has taken it up", None)


def _reason(each: Mapping[str, Any], why: str, patience_s: float | None, cure: str = "") -> Reason:
    where = f"{each['kind']} {each['metadata']['name']}"
    return Reason(part="endpoint", where=where, kind=why.partition(":")[0], why=why, cure=cure, patience_s=patience_s)
