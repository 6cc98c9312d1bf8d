"""What a stack's claim needs, asked of the cluster before anything changes, and what outlives the stack."""

import contextlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.before.ownership import owner_of
from deploy.cluster import Cluster
from deploy.errors import DeployError, ForbiddenError
from deploy.pulumi.state import CLAIM, NAMESPACE, VOLUME, resource_in
from infra.config import StackConfig
from infra.config.storages import ClaimStorage, claim_name

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_QUANTITY = re.compile(r"(\d+)([KMGTP]i?|)")
_FACTORS = {"": 1} | {f"{unit}i": 1024**power for power, unit in enumerate("KMGTP", start=1)}
_FACTORS |= {unit: 1000**power for power, unit in enumerate("KMGTP", start=1)}
_GIB = 1024**3


def require_storage(config: StackConfig, cluster: Cluster) -> None:
    """See that a stack's claim is there, or can be made and bound, or made larger.

    What this user may not read is said, and is neither a fault nor a pass.

    Raises:
        DeployError: the claim, its volume or its class is not there, or it can't have the size that is asked for.
    """
    storage = config.storage
    if not isinstance(storage, ClaimStorage):
        return
    try:
        found = _get(cluster, "persistentvolumeclaim", claim_name(storage), f"--namespace={config.cluster.namespace}")
        if storage.claim is not None:
            _require_claim(config, storage.claim, found)
        elif found is not None:
            _require_size(config, storage, found, cluster)
        elif storage.volume is not None:
            _require_volume(config, storage.volume, cluster)
        else:
            _require_class(config, storage, cluster)
    except _UnreadableError as error:
        print(f"unknown: {error}; going on", file=sys.stderr)  # noqa: T201 - progress


def require_same_claim(config: StackConfig, state: Mapping[str, Any] | None) -> None:
    """See that a claim which an earlier version made goes on being used: that version would remove it with its data.

    Args:
        config: the stack's.
        state: what Pulumi has kept of it, or None of a stack that is not there.

    Raises:
        DeployError: the configuration means another claim.
    """
    claim = resource_in(state, CLAIM)
    if claim is None or claim.is_retained or resource_in(state, VOLUME) is not None:
        return
    if claim.name == claim_name(config.storage):
        return
    written = str(claim.inputs.get("spec", {}).get("resources", {}).get("requests", {}).get("storage", ""))
    size = int(written.removesuffix("Gi")) if re.fullmatch(r"\d+Gi", written) else None
    is_same = (
        size is not None
        and isinstance(config.storage, ClaimStorage)
        and claim_name(config.storage.model_copy(update={"first_size_gib": size})) == claim.name
    )
    cure = (
        f"set storage.firstSizeGib: {size}"
        if is_same
        else f"leave storage as it was for one make up STACK={config.stack}, then change it"
    )
    raise DeployError(
        f"storage means another claim than {claim.name}, which an earlier version of this project made, and which "
        f"would be removed with its data; accepted: that claim; in Pulumi.{config.stack}.yaml {cure}"
    )


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What of a stack outlives it: claims that lead to data, and the namespace of its own that they are in.

    Attributes:
        urns: of what stays in the state, too, so that the next deployment goes on with it.
        claims: the names of the claims, others' in the stack's own namespace included.
        namespace: where they are.
        is_own: whether the namespace is the stack's.
    """

    urns: tuple[str, ...]
    claims: tuple[str, ...]
    namespace: str
    is_own: bool

    def lines(self, *, context: str) -> list[str]:
        """What stays, and the command that removes it, in a line; none where nothing stays."""
        if not self.claims:
            return []
        names, where = ", ".join(self.claims), f"namespace {self.namespace}"
        what = f"{where} with claim {names}" if self.is_own else f"claim {names} in {where}"
        removed = (
            where if self.is_own else f"persistentvolumeclaim {' '.join(self.claims)} --namespace={self.namespace}"
        )
        return [f"left, with its data: {what}; to remove it for good: kubectl --context={context} delete {removed}"]


def remains(state: Mapping[str, Any] | None, namespace: str, cluster: Cluster) -> Remains:
    """Find out what of a stack is to outlive it.

    Args:
        state: what Pulumi has kept of the stack.
        namespace: the stack's, by its configuration.
        cluster: the stack's.
    """
    claim, own, volume = (resource_in(state, kind) for kind in (CLAIM, NAMESPACE, VOLUME))
    place = own.name if own else namespace
    there = [item for item in claims_in(place, cluster) if own or owner_of(item)]
    names = {str(item["metadata"]["name"]) for item in there}
    if claim:
        names = names | {claim.name} if volume is None else names - {claim.name}
    kept = [*([claim] if claim and volume is None else []), *([own] if own and names else [])]
    return Remains(
        urns=tuple(each.urn for each in kept), claims=tuple(sorted(names)), namespace=place, is_own=own is not None
    )


def claims_in(namespace: str, cluster: Cluster) -> list[dict[str, Any]]:
    """A namespace's claims as the API gives them; none where this user may not read them."""
    with contextlib.suppress(_UnreadableError):
        return list((_get(cluster, "persistentvolumeclaims", f"--namespace={namespace}") or {}).get("items", []))
    return []


class _UnreadableError(Exception):
    """This user may not read something; the text says what."""


def _get(cluster: Cluster, *what: str) -> dict[str, Any] | None:
    """An object, or a list of them, as the API gives it; None where it is not there."""
    try:
        found = cluster.kubectl("get", *what, "--ignore-not-found", "--output=json")
    except ForbiddenError as error:
        raise _UnreadableError(f"{what[0]}: this user may not read it") from error
    return dict(json.loads(found)) if found.strip() else None


def _require_claim(config: StackConfig, name: str, found: Mapping[str, Any] | None) -> None:
    namespace = config.cluster.namespace
    if found is None:
        raise DeployError(
            f"storage.claim: claim {name!r} is not in namespace {namespace}; accepted: one that is there, as kubectl "
            f"--context={config.cluster.context} get persistentvolumeclaims --namespace={namespace} lists them; "
            f"correct it in Pulumi.{config.stack}.yaml, or remove storage.claim and have one made"
        )


def _require_size(config: StackConfig, storage: ClaimStorage, found: Mapping[str, Any], cluster: Cluster) -> None:
    written = str(found["spec"]["resources"]["requests"]["storage"])
    has, name = bytes_from_quantity(written), found["metadata"]["name"]
    if has is None or storage.size_gib * _GIB == has:
        return
    if storage.size_gib * _GIB < has:
        raise DeployError(
            f"storage.sizeGib is {storage.size_gib}, and claim {name} has {written}: a claim never shrinks; accepted: "
            f"{-(-has // _GIB)} or more; in Pulumi.{config.stack}.yaml set storage.sizeGib: {-(-has // _GIB)}"
        )
    class_name = found["spec"].get("storageClassName")
    if not class_name:
        raise DeployError(_ungrowable(config, storage, name, written, "has no storage class, which would let it grow"))
    kind = _get(cluster, "storageclass", class_name)
    if kind is not None and not kind.get("allowVolumeExpansion"):
        why = f"is of storage class {class_name}, which lets none grow"
        raise DeployError(_ungrowable(config, storage, name, written, why))


def _ungrowable(config: StackConfig, storage: ClaimStorage, name: str, written: str, why: str) -> str:
    size = written.removesuffix("Gi")
    return (
        f"storage.sizeGib is {storage.size_gib}, and claim {name} of {written} {why}; accepted: {size}, or a class "
        f"with allowVolumeExpansion; in Pulumi.{config.stack}.yaml set storage.sizeGib: {size}"
    )


def _require_volume(config: StackConfig, name: str, cluster: Cluster) -> None:
    found = _get(cluster, "persistentvolume", name)
    if found is None:
        raise DeployError(
            f"storage.volume: there is no PersistentVolume {name!r}; accepted: one that kubectl --context="
            f"{config.cluster.context} get persistentvolumes lists; correct it in Pulumi.{config.stack}.yaml"
        )
    bound = found["spec"].get("claimRef")
    wanted = (config.cluster.namespace, claim_name(config.storage))
    if bound and (bound.get("namespace"), bound.get("name")) != wanted:
        raise DeployError(
            f"storage.volume: PersistentVolume {name!r} is bound to claim {bound.get('name')} in namespace "
            f"{bound.get('namespace')}; accepted: one that is free; correct it in Pulumi.{config.stack}.yaml, or use "
            "that claim, in its namespace, by storage.claim"
        )


def _require_class(config: StackConfig, storage: ClaimStorage, cluster: Cluster) -> None:
    classes = {item["metadata"]["name"]: item for item in (_get(cluster, "storageclasses") or {}).get("items", [])}
    names = ", ".join(sorted(classes)) or "none is there"
    file = f"Pulumi.{config.stack}.yaml"
    if storage.storage_class is not None:
        if storage.storage_class and storage.storage_class not in classes:
            raise DeployError(
                f"storage.storageClass: there is no storage class {storage.storage_class!r}; accepted: {names}; "
                f"correct it in {file}"
            )
    elif not any(_is_default(item) for item in classes.values()):
        example = next(iter(sorted(classes)), "NAME")
        raise DeployError(
            f"storage: names no storage class, and the cluster has no default one; accepted: storageClass ({names}), "
            f"volume or claim; in {file} set storage.storageClass: {example}"
        )


def _is_default(storage_class: Mapping[str, Any]) -> bool:
    return bool(storage_class["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true")


def bytes_from_quantity(text: str) -> int | None:
    """How many bytes a Kubernetes quantity of whole units is, or None of any other spelling."""
    found = _QUANTITY.fullmatch(text.replace("k", "K") if text.endswith("k") else text)
    return None if found is None else int(found[1]) * _FACTORS[found[2]]
