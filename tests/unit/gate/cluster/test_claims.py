"""Which claims go when no kept release needs them, and which never."""

import json
from typing import Any

import pytest
import yaml

from gate.cluster.claims import prune_claims
from infra.config import REPOSITORY, StackConfig, config_from_values
from infra.config.storages import ClaimStorage, claim_name

EFS = {"kind": "claim", "storageClass": "efs"}
EBS = {"kind": "claim", "storageClass": "ebs"}
SIZED = {"kind": "claim", "storageClass": "efs", "sizeGib": 30}


def named(**keys: Any) -> str:
    return claim_name(ClaimStorage(**({"kind": "claim"} | keys)))


class StandIn:
    """A namespace's claims by their names, each with the stack that it says it is of."""

    def __init__(self, **claims: str | None) -> None:
        self._claims = claims
        self.deleted: list[str] = []

    def kubectl(self, verb: str, kind: str, *arguments: str) -> str:
        assert (verb, kind) in {("get", "persistentvolumeclaims"), ("delete", "persistentvolumeclaim")}
        assert "--namespace=triton-h800" in arguments
        if verb == "delete":
            self.deleted += [argument for argument in arguments if not argument.startswith("--")]
        items = [
            {"metadata": {"name": name.replace("_", "-"), "annotations": {"densenet-triton/stack": of} if of else {}}}
            for name, of in self._claims.items()
        ]
        return json.dumps({"items": items})


def config(storage: dict[str, Any], **cluster: Any) -> StackConfig:
    values = yaml.safe_load((REPOSITORY / "Pulumi.h800.yaml").read_text())["config"]
    values["densenet-triton:storage"] = storage
    values["densenet-triton:cluster"] |= cluster
    return config_from_values(values, stack="prod")


def pruned(cluster: StandIn, config: StackConfig, *kept: dict[str, Any]) -> tuple[str, ...]:
    found = prune_claims(config, cluster, [{"densenet-triton:storage": each} for each in kept])  # type: ignore[arg-type]
    assert cluster.deleted == list(found)
    return found


def key(name: str) -> str:
    return name.replace("-", "_")


def test_a_claim_goes_with_the_last_release_that_needs_it() -> None:
    claims: dict[str, str | None] = {key(named(**EFS)): "prod", key(named(**EBS)): "prod"}
    assert pruned(StandIn(**claims), config(EBS), EBS, EFS) == ()
    assert pruned(StandIn(**claims), config(EBS), EBS) == (named(**EFS),)


def test_what_the_stack_mounts_now_never_goes() -> None:
    assert pruned(StandIn(**{key(named(**EFS)): "prod"}), config(EFS)) == ()


def test_a_claim_of_others_never_goes() -> None:
    assert pruned(StandIn(theirs=None), config(EFS), EFS) == ()


@pytest.mark.parametrize(("own", "goes"), [(True, ("models-1",)), (False, ())])
def test_a_former_names_claim_goes_in_the_stacks_own_namespace_alone(*, own: bool, goes: tuple[str, ...]) -> None:
    assert pruned(StandIn(models_1="former"), config(EFS, createNamespace=own), EFS) == goes


def test_an_earlier_versions_release_needs_the_claim_that_its_version_named() -> None:
    before = named(storageClass="efs", firstSizeGib=30)
    assert pruned(StandIn(**{key(before): "prod"}), config(EBS), SIZED) == ()


def test_a_release_that_can_not_be_read_keeps_everything() -> None:
    assert pruned(StandIn(models_1="prod"), config(EFS), {"kind": "of another version"}) == ()
