"""The storage of a stack, as a claim that its pods mount."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from infra.config.ownership import owned_by
from infra.config.storages import ClaimStorage, HostPathStorage, NfsStorage, claim_name

_STATIC_CAPACITY = "1Gi"
"""A folder or an export has no size of its own; Kubernetes wants one to be named."""


@dataclass(frozen=True, kw_only=True)
class StorageMountArgs:
    """What is mounted.

    Attributes:
        namespace: of the claim.
        volume_prefix: first part of the volume's name: the namespace, because volumes belong to the whole
            cluster.
        stack: the stack's name, which a claim carries that outlives it.
        storage: the folder, export or claim.
    """

    namespace: pulumi.Input[str]
    volume_prefix: str
    stack: str
    storage: HostPathStorage | ClaimStorage | NfsStorage


class StorageMount(pulumi.ComponentResource):
    """A claim on the storage; for a folder and an export with a volume of its own, which is retained.

    Which volume a claim means can never be changed, so its name carries a digest of that: another storage is another
    claim beside the one in use. A claim on a volume of a class is all that leads to its data, so Pulumi never removes
    it; a claim that others made is used as it is.

    Attributes:
        claim_name: the claim that pods mount. Triton mounts it read-only.
    """

    claim_name: pulumi.Output[str]

    def __init__(self, name: str, args: StorageMountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("densenet:infra:StorageMount", name, None, opts)
        if isinstance(args.storage, ClaimStorage):
            claim = None if args.storage.claim else _kept_claim(name, args, args.storage, self)
        else:
            claim = _claim_on_own_volume(name, args, args.storage, pulumi.ResourceOptions(parent=self))
        self.claim_name = (
            claim.metadata.name.apply(str) if claim else pulumi.Output.from_input(claim_name(args.storage))
        )
        self.register_outputs({"claimName": self.claim_name})


def _kept_claim(
    name: str, args: StorageMountArgs, storage: ClaimStorage, parent: pulumi.Resource
) -> core.PersistentVolumeClaim:
    """A claim that stays in the cluster when the stack goes on without it, for kept releases and for their plans."""
    names_volume_alone = storage.volume is not None and storage.storage_class is None
    return core.PersistentVolumeClaim(
        f"{name}-claim",
        metadata=meta.ObjectMetaArgs(
            name=claim_name(storage),
            namespace=args.namespace,
            # Pulumi would wait for a claim of a class that binds late to be pending: for one that is back, in vain. The
            # pods wait for it anyway, and say why they do.
            annotations=owned_by(args.stack) | {"pulumi.com/skipAwait": "true"},
        ),
        spec=_spec_from_claim(storage),
        opts=pulumi.ResourceOptions(
            parent=parent,
            retain_on_delete=True,
            # Earlier versions left it out beside a volume, and a claim's class can't be changed.
            ignore_changes=["spec.storageClassName"] if names_volume_alone else None,
        ),
    )


def _claim_on_own_volume(
    name: str, args: StorageMountArgs, storage: HostPathStorage | NfsStorage, child: pulumi.ResourceOptions
) -> core.PersistentVolumeClaim:
    """A claim on a folder or an export, whose data stays where it is without any object of Kubernetes."""
    name_of_claim = claim_name(storage)
    volume = core.PersistentVolume(
        f"{name}-volume",
        metadata=meta.ObjectMetaArgs(name=f"{args.volume_prefix}-{name_of_claim}"),
        spec=_volume_spec(storage, namespace=args.namespace, claim_name=name_of_claim),
        opts=child,
    )
    return core.PersistentVolumeClaim(
        f"{name}-claim",
        metadata=meta.ObjectMetaArgs(name=name_of_claim, namespace=args.namespace),
        spec=_spec_from_volume(volume.metadata.name, storage),
        opts=child,
    )


def _access_mode(storage: HostPathStorage | NfsStorage) -> str:
    return "ReadWriteMany" if isinstance(storage, NfsStorage) else "ReadWriteOnce"


def _volume_spec(
    storage: HostPathStorage | NfsStorage, *, namespace: pulumi.Input[str], claim_name: str
) -> core.PersistentVolumeSpecArgs:
    spec = core.PersistentVolumeSpecArgs(
        access_modes=[_access_mode(storage)],
        capacity={"storage": _STATIC_CAPACITY},
        claim_ref=core.ObjectReferenceArgs(
            api_version="v1", kind="PersistentVolumeClaim", name=claim_name, namespace=namespace
        ),
        persistent_volume_reclaim_policy="Retain",
        storage_class_name="",
        volume_mode="Filesystem",
    )
    if isinstance(storage, NfsStorage):
        spec.nfs = core.NFSVolumeSourceArgs(server=storage.server, path=storage.path)
        spec.mount_options = list(storage.mount_options)
    else:
        spec.host_path = core.HostPathVolumeSourceArgs(path=storage.path, type="Directory")
        spec.node_affinity = _only_on(storage.node)
    return spec


def _only_on(node: str) -> core.VolumeNodeAffinityArgs:
    """Wherever a pod mounts the volume, it runs on the node that has the folder."""
    term = core.NodeSelectorTermArgs(
        match_expressions=[core.NodeSelectorRequirementArgs(key="kubernetes.io/hostname", operator="In", values=[node])]
    )
    return core.VolumeNodeAffinityArgs(required=core.NodeSelectorArgs(node_selector_terms=[term]))


def _spec_from_volume(
    volume_name: pulumi.Input[str], storage: HostPathStorage | NfsStorage
) -> core.PersistentVolumeClaimSpecArgs:
    return core.PersistentVolumeClaimSpecArgs(
        access_modes=[_access_mode(storage)],
        resources=core.VolumeResourceRequirementsArgs(requests={"storage": _STATIC_CAPACITY}),
        storage_class_name="",
        volume_name=volume_name,
    )


def _spec_from_claim(storage: ClaimStorage) -> core.PersistentVolumeClaimSpecArgs:
    return core.PersistentVolumeClaimSpecArgs(
        access_modes=[storage.access_mode],
        resources=core.VolumeResourceRequirementsArgs(requests={"storage": f"{storage.size_gib}Gi"}),
        # Without a class of its own a claim gets the default one, which a volume that is named may not be of.
        storage_class_name="" if storage.volume and storage.storage_class is None else storage.storage_class,
        volume_name=storage.volume,
    )
