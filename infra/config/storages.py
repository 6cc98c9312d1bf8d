"""Where sources and model repositories lie: the configuration's ``storage``, one group a kind."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from infra.config.group import Group
from infra.config.text import AbsolutePath, DnsName, Filled

_DEFAULT_GIB = 20


class HostPathStorage(Group):
    """A folder of one node."""

    kind: Literal["hostPath"] = Field(description="A folder of one node.", examples=["hostPath"])
    path: AbsolutePath = Field(
        description="The folder; it exists and belongs to 1000:1000.",
        examples=["/var/lib/densenet-triton/embedded/storage"],
    )
    node: DnsName = Field(
        description="Name of the node that has the folder; every pod of the stack runs there.",
        examples=["embedded"],
    )


class ClaimStorage(Group):
    """A volume from a storage class, one that was provisioned beforehand, or a claim that others made."""

    kind: Literal["claim"] = Field(description="A persistent volume claim.", examples=["claim"])
    claim: DnsName | None = Field(
        default=None,
        description="Name of an existing claim in the namespace; nothing of it is created or removed, and the keys"
        " below have no place beside it.",
        examples=["models"],
    )
    storage_class: DnsName | None = Field(
        default=None, description="Storage class; without it the cluster's default.", examples=["efs"]
    )
    volume: DnsName | None = Field(
        default=None,
        description="Name of an existing PersistentVolume to bind, instead of a new one from the class.",
    )
    size_gib: int = Field(
        default=_DEFAULT_GIB,
        ge=1,
        description="Size that is claimed, in GiB. It may grow where the storage class allows that, and never shrinks.",
    )
    first_size_gib: int = Field(
        default=_DEFAULT_GIB,
        ge=1,
        description="`sizeGib` of a claim that an earlier version made, whose name says it; for all others as it is.",
    )
    access_mode: Literal["ReadWriteMany", "ReadWriteOnce"] = Field(
        default="ReadWriteMany",
        description="ReadWriteMany where pods run on several nodes; ReadWriteOnce binds them to one.",
    )


class NfsStorage(Group):
    """An export of an NFS server."""

    kind: Literal["nfs"] = Field(description="An export of an NFS server.", examples=["nfs"])
    server: DnsName = Field(description="Name or address of the server.", examples=["nfs.example.org"])
    path: AbsolutePath = Field(
        description="The exported folder; it belongs to 1000:1000.", examples=["/exports/models"]
    )
    mount_options: tuple[Filled, ...] = Field(
        default=(), description="Mount options, such as `nfsvers=4.1`.", examples=[["nfsvers=4.1"]]
    )


def claim_name(storage: HostPathStorage | ClaimStorage | NfsStorage) -> str:
    """Name of the stack's claim: one that exists, or one with a digest of which volume it is, not of how large."""
    if not isinstance(storage, ClaimStorage):
        return _name_from_meaning(storage.model_dump_json())
    # Earlier versions counted the size, nearly always 20: with it in its place the names of their claims stay.
    sized = storage.model_copy(update={"size_gib": storage.first_size_gib})
    return storage.claim or _name_from_meaning(sized.model_dump_json(exclude={"claim", "first_size_gib"}))


def _name_from_meaning(document: str) -> str:
    return f"models-{hashlib.sha256(document.encode()).hexdigest()[:8]}"


Storage = Annotated[HostPathStorage | ClaimStorage | NfsStorage, Field(discriminator="kind")]
