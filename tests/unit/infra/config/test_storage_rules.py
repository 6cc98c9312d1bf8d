"""What is said of a claim that exists beside its name."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config import config_from_values
from infra.errors import ConfigError


def refused(values: dict[str, Any], **storage: Any) -> list[str]:
    values["densenet-triton:storage"] = {"kind": "claim", **storage}
    with pytest.raises(ConfigError) as caught:
        config_from_values(values, stack="dev")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("sizeGib", 20, "20"),
        ("firstSizeGib", 30, "30"),
        ("storageClass", "efs", '"efs"'),
        ("volume", "models", '"models"'),
        ("accessMode", "ReadWriteMany", '"ReadWriteMany"'),
    ],
)
def test_nothing_is_said_of_how_an_existing_claim_is_made(
    dev_values: dict[str, Any], key: str, value: object, shown: str
) -> None:
    assert refused(dev_values, claim="theirs", **{key: value}) == [
        (
            f"Pulumi.dev.yaml: densenet-triton:storage.{key} is {shown} beside storage.claim, whose claim theirs "
            "exists; accepted: storage.claim alone, or the keys of a claim that the stack makes; mend: remove "
            f"storage.{key} from Pulumi.dev.yaml"
        )
    ]


def test_every_such_key_is_named_at_once(dev_values: dict[str, Any]) -> None:
    assert len(refused(dev_values, claim="theirs", sizeGib=1, volume="models")) == 2


def test_an_existing_claim_alone_is_accepted(dev_values: dict[str, Any]) -> None:
    dev_values["densenet-triton:storage"] = {"kind": "claim", "claim": "theirs"}
    config_from_values(dev_values, stack="dev")
