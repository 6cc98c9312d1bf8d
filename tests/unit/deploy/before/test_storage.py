"""What is said of a claim before anything changes, and what outlives a stack."""

from typing import Any

import pytest
import yaml

from deploy.before.storage import bytes_from_quantity, remains, require_same_claim, require_storage
from deploy.errors import DeployError
from infra.config import REPOSITORY, StackConfig, config_from_values
from infra.config.storages import ClaimStorage, claim_name
from tests.unit.deploy.stand_in import StandIn, resource, state_of

NAMESPACE = "kubernetes:core/v1:Namespace::namespace"
CLAIM = "densenet:infra:StorageMount$kubernetes:core/v1:PersistentVolumeClaim::storage-claim"
VOLUME = "densenet:infra:StorageMount$kubernetes:core/v1:PersistentVolume::storage-volume"
DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}


def config(**storage: Any) -> StackConfig:
    values = yaml.safe_load((REPOSITORY / "Pulumi.h800.yaml").read_text())["config"]
    values["densenet-triton:storage"] = {"kind": "claim", **storage}
    return config_from_values(values, stack="prod")


def require(config: StackConfig, cluster: StandIn) -> None:
    require_storage(config, cluster)  # type: ignore[arg-type]


def storage_class(name: str, *, default: bool = False, grows: bool = False) -> dict[str, Any]:
    annotations = DEFAULT if default else {}
    return {"metadata": {"name": name, "annotations": annotations}, "allowVolumeExpansion": grows}


def claim(config: StackConfig, size: str, **spec: Any) -> dict[str, Any]:
    name = claim_name(config.storage)
    found = {"metadata": {"name": name}, "spec": {"resources": {"requests": {"storage": size}}, **spec}}
    return {f"persistentvolumeclaim {name}": found}


def refusal(config: StackConfig, cluster: StandIn) -> str:
    with pytest.raises(DeployError) as caught:
        require(config, cluster)
    return str(caught.value)


def test_a_folder_asks_for_nothing() -> None:
    cluster = StandIn()
    require(config(kind="hostPath", path="/srv", node="n"), cluster)
    assert cluster.asked == []


def test_no_default_class_is_said_before_anything_changes() -> None:
    classes = [storage_class("fast"), storage_class("efs")]
    assert refusal(config(), StandIn({"storageclasses": classes})) == (
        "storage: names no storage class, and the cluster has no default one; accepted: storageClass (efs, fast), "
        "volume or claim; in Pulumi.prod.yaml set storage.storageClass: efs"
    )
    assert "accepted: storageClass (none is there)" in refusal(config(), StandIn({"storageclasses": []}))


def test_a_default_class_or_one_that_is_there_is_enough() -> None:
    classes = [storage_class("fast"), storage_class("efs", default=True)]
    require(config(), StandIn({"storageclasses": classes}))
    require(config(storageClass="fast"), StandIn({"storageclasses": classes}))


def test_a_class_that_is_not_there_is_refused() -> None:
    cluster = StandIn({"storageclasses": [storage_class("fast")]})
    assert refusal(config(storageClass="efs"), cluster) == (
        "storage.storageClass: there is no storage class 'efs'; accepted: fast; correct it in Pulumi.prod.yaml"
    )


@pytest.mark.parametrize(
    ("storage", "kind"),
    [
        ({}, "storageclasses"),
        ({"volume": "models"}, "persistentvolume"),
        ({"claim": "theirs"}, "persistentvolumeclaim"),
    ],
)
def test_what_may_not_be_read_is_unknown(
    storage: dict[str, Any], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    require(config(**storage), StandIn(forbidden=(kind,)))
    assert capsys.readouterr().err == f"unknown: {kind}: this user may not read it; going on\n"


def test_an_existing_claim_is_there_or_it_is_said() -> None:
    theirs = config(claim="theirs")
    require(theirs, StandIn(claim(theirs, "1Gi")))
    assert refusal(theirs, StandIn()) == (
        "storage.claim: claim 'theirs' is not in namespace triton-h800; accepted: one that is there, as kubectl "
        "--context=my-gpu-cluster get persistentvolumeclaims --namespace=triton-h800 lists them; correct it in "
        "Pulumi.prod.yaml, or remove storage.claim and have one made"
    )


def test_a_claim_never_shrinks() -> None:
    wanted = config(sizeGib=10)
    assert refusal(wanted, StandIn(claim(wanted, "20Gi"))) == (
        f"storage.sizeGib is 10, and claim {claim_name(wanted.storage)} has 20Gi: a claim never shrinks; accepted: 20 "
        "or more; in Pulumi.prod.yaml set storage.sizeGib: 20"
    )


@pytest.mark.parametrize("size", ["20Gi", "unheard of"])
def test_a_claim_of_the_same_size_asks_for_no_class(size: str) -> None:
    cluster = StandIn(claim(config(), size))
    require(config(), cluster)
    assert cluster.asked == [f"persistentvolumeclaim {claim_name(config().storage)}"]


def test_a_claim_grows_where_its_class_lets_it() -> None:
    wanted = config(sizeGib=30)
    found = claim(wanted, "20Gi", storageClassName="efs")
    require(wanted, StandIn({**found, "storageclass efs": storage_class("efs", grows=True)}))
    require(wanted, StandIn(found))  # a class that is gone says nothing
    refused = refusal(wanted, StandIn({**found, "storageclass efs": storage_class("efs")}))
    assert "of 20Gi is of storage class efs, which lets none grow; accepted: 20, or a class" in refused
    assert refused.endswith("in Pulumi.prod.yaml set storage.sizeGib: 20")
    assert "has no storage class" in refusal(wanted, StandIn(claim(wanted, "20Gi", storageClassName="")))


def test_a_volume_is_there_and_free() -> None:
    wanted = config(volume="models")
    mine = {"namespace": "triton-h800", "name": claim_name(wanted.storage)}
    for reference in ({}, {"claimRef": mine}):
        require(wanted, StandIn({"persistentvolume models": {"spec": reference}}))
    assert "there is no PersistentVolume 'models'" in refusal(wanted, StandIn())
    taken = {"persistentvolume models": {"spec": {"claimRef": {"namespace": "other", "name": "theirs"}}}}
    assert "is bound to claim theirs in namespace other; accepted: one that is free" in refusal(wanted, StandIn(taken))


@pytest.mark.parametrize(
    ("text", "size"), [("20Gi", 20 * 1024**3), ("1Ti", 1024**4), ("5G", 5 * 10**9), ("10k", 10**4), ("7", 7)]
)
def test_quantities(text: str, size: int) -> None:
    assert bytes_from_quantity(text) == size


@pytest.mark.parametrize("text", ["", "1.5Gi", "20gib", "1e3"])
def test_quantities_of_other_spellings_are_not_guessed(text: str) -> None:
    assert bytes_from_quantity(text) is None


def deployed(name: str, size: str = "20Gi", **more: Any) -> dict[str, Any]:
    found = resource(CLAIM, name=name, **more)
    found["inputs"]["spec"] = {"resources": {"requests": {"storage": size}}}
    return found


def former(size: int) -> str:
    return claim_name(ClaimStorage(kind="claim", firstSizeGib=size))


def test_an_earlier_versions_claim_goes_on_being_used() -> None:
    require_same_claim(config(), state_of(deployed(former(20))))
    require_same_claim(config(sizeGib=30, firstSizeGib=30), state_of(deployed(former(30), "30Gi")))
    require_same_claim(config(), None)
    require_same_claim(config(), state_of())


def test_an_earlier_versions_claim_of_another_size_is_named_by_one_key() -> None:
    with pytest.raises(DeployError) as caught:
        require_same_claim(config(sizeGib=30), state_of(deployed(former(30), "30Gi")))
    assert str(caught.value) == (
        f"storage means another claim than {former(30)}, which an earlier version of this project made, and which "
        "would be removed with its data; accepted: that claim; in Pulumi.prod.yaml set storage.firstSizeGib: 30"
    )


@pytest.mark.parametrize(
    "storage", [{"storageClass": "efs"}, {"claim": "theirs"}, {"kind": "nfs", "server": "n", "path": "/e"}]
)
def test_an_earlier_versions_claim_is_not_given_up_in_the_same_run(storage: dict[str, Any]) -> None:
    with pytest.raises(
        DeployError, match=r"in Pulumi.prod.yaml leave storage as it was for one make up STACK=prod, then"
    ):
        require_same_claim(config(**storage), state_of(deployed(former(20))))


def test_a_claim_that_is_never_removed_may_be_given_up() -> None:
    require_same_claim(config(storageClass="efs"), state_of(deployed(former(20), retainOnDelete=True)))


def test_a_claim_on_a_folder_may_be_given_up() -> None:
    require_same_claim(config(storageClass="efs"), state_of(deployed("models-1"), resource(VOLUME, name="x")))


def left(state: Any, cluster: StandIn) -> tuple[tuple[str, ...], list[str]]:
    found = remains(state, "triton", cluster)  # type: ignore[arg-type]
    return tuple(urn.rpartition("::")[2] for urn in found.urns), found.lines(context="prod")


def listed(*claims: tuple[str, bool]) -> list[dict[str, Any]]:
    notes = {"densenet-triton/stack": "prod"}
    return [{"metadata": {"name": name, "annotations": notes if ours else {}}} for name, ours in claims]


OWN = resource(NAMESPACE, name="triton", uid="uid-1")


def test_a_stack_on_a_folder_leaves_nothing() -> None:
    cluster = StandIn({"persistentvolumeclaims": listed(("models-1", False))})
    assert left(state_of(OWN, resource(VOLUME, name="v"), deployed("models-1")), cluster) == ((), [])


def test_a_claim_of_a_class_stays_with_the_namespace_that_it_is_in() -> None:
    cluster = StandIn({"persistentvolumeclaims": listed(("models-1", True))})
    assert left(state_of(OWN, deployed("models-1")), cluster) == (
        ("storage-claim", "namespace"),
        [
            (
                "left, with its data: namespace triton with claim models-1; to remove it for good: kubectl "
                "--context=prod delete namespace triton"
            )
        ],
    )


@pytest.mark.parametrize("ours", [True, False])
def test_whoever_elses_claims_and_former_ones_keep_the_namespace(*, ours: bool) -> None:
    cluster = StandIn({"persistentvolumeclaims": listed(("models-1", False), ("former", ours))})
    urns, (line,) = left(state_of(OWN, resource(VOLUME, name="v"), deployed("models-1")), cluster)
    assert urns == ("namespace",)
    assert "namespace triton with claim former;" in line


def test_in_a_namespace_of_others_the_stacks_own_claims_alone_are_named() -> None:
    cluster = StandIn({"persistentvolumeclaims": listed(("models-1", True), ("former", True), ("theirs", False))})
    assert left(state_of(deployed("models-1")), cluster) == (
        ("storage-claim",),
        [
            (
                "left, with its data: claim former, models-1 in namespace triton; to remove it for good: kubectl "
                "--context=prod delete persistentvolumeclaim former models-1 --namespace=triton"
            )
        ],
    )


def test_claims_that_may_not_be_read_leave_what_the_state_knows() -> None:
    cluster = StandIn(forbidden=("persistentvolumeclaims",))
    assert left(state_of(OWN, deployed("models-1")), cluster)[0] == ("storage-claim", "namespace")
    assert left(None, cluster) == ((), [])
