"""Where sources and model repositories lie: the configuration's ``storage``, one group a kind."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from infra.config.group import Group
from infra.config.text import AbsolutePath, DnsName, Filled


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
    """A volume from a storage class, or one that was provisioned beforehand."""

    kind: Literal["claim"] = Field(description="A persistent volume claim.", examples=["claim"])
    storage_class: DnsName | None = Field(
        default=None, description="Storage class; without it the cluster's default.", examples=["efs"]
    )
    volume: DnsName | None = Field(
        default=None,
        description="Name of an existing PersistentVolume to bind, instead of a new one from the class.",
    )
    size_gib: int = Field(default=20, ge=1, description="Size that is claimed, in GiB.")
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
    """Name of the stack's claim: it carries a digest of what it means, for a claim can never be changed."""
    return f"models-{hashlib.sha256(storage.model_dump_json().encode()).hexdigest()[:8]}"


Storage = Annotated[HostPathStorage | ClaimStorage | NfsStorage, Field(discriminator="kind")]
