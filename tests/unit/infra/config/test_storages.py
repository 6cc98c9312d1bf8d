"""A claim's name says which volume it is; those that earlier versions gave stay."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config.storages import ClaimStorage, HostPathStorage, NfsStorage, claim_name


def claim(**keys: Any) -> ClaimStorage:
    return ClaimStorage(kind="claim", **keys)


@pytest.mark.parametrize(
    ("storage", "name"),
    [
        (claim(), "models-f56851b2"),
        (claim(storageClass="efs"), "models-b47d2bb0"),
        (claim(volume="models", accessMode="ReadWriteOnce"), "models-002eee4d"),
        (HostPathStorage(kind="hostPath", path="/srv/models", node="node-1"), "models-8d1a5cdc"),
        (
            NfsStorage(kind="nfs", server="nfs.example.org", path="/exports/models", mountOptions=("nfsvers=4.1",)),
            "models-4ec1aa6a",
        ),
    ],
)
def test_names_are_those_of_earlier_versions(storage: Any, name: str) -> None:
    assert claim_name(storage) == name


def test_a_size_is_no_part_of_the_name() -> None:
    assert claim_name(claim(storageClass="efs", sizeGib=300)) == claim_name(claim(storageClass="efs"))


def test_an_earlier_versions_claim_of_another_size_is_named_by_its_first_size() -> None:
    first = claim(storageClass="efs", sizeGib=30, firstSizeGib=30)
    grown = claim(storageClass="efs", sizeGib=300, firstSizeGib=30)
    assert claim_name(first) == claim_name(grown) == "models-b0482c22"


@pytest.mark.parametrize(
    "other", [{"storageClass": "ebs"}, {}, {"volume": "models"}, {"storageClass": "efs", "accessMode": "ReadWriteOnce"}]
)
def test_another_volume_is_another_name(other: dict[str, Any]) -> None:
    assert claim_name(claim(**other)) != claim_name(claim(storageClass="efs"))


def test_a_claim_that_exists_is_called_what_it_is_called() -> None:
    assert claim_name(claim(claim="theirs")) == "theirs"
