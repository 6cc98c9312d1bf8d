"""Whose a namespace is: refused before anything changes, in one line with the edit or the command that mends it."""

from typing import Any

import pytest

from deploy.before.ownership import Tenancy
from deploy.errors import CommandFailedError, DeployError
from tests.unit.deploy.stand_in import StandIn, resource, state_of

NAMESPACE = "kubernetes:core/v1:Namespace::namespace"
DEPLOYMENT = "densenet:infra:Triton$kubernetes:apps/v1:Deployment::triton-deployment"
OWN = state_of(resource(NAMESPACE, name="triton", uid="uid-1"))


def live(uid: str = "uid-1", owner: str | None = None, **metadata: Any) -> dict[str, Any]:
    annotations = {"densenet-triton/stack": owner} if owner else {}
    return {"metadata": {"name": "triton", "uid": uid, "annotations": annotations, **metadata}}


def tenancy(cluster: StandIn, state: Any = None) -> Tenancy:
    return Tenancy(stack="prod", file="Pulumi.prod.yaml", cluster=cluster, state=state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "state", "is_true"),
    [
        (None, None, True),
        (live(owner="prod"), None, True),
        (live(), OWN, True),
        (live(owner="its-former-name"), OWN, True),
        (None, OWN, False),
        (live("uid-2", owner="prod"), OWN, False),
    ],
    ids=["new", "state lost", "of an earlier version", "renamed", "gone", "another cluster's"],
)
def test_a_namespace_is_the_stacks_by_its_state_or_by_its_name_on_it(found: Any, state: Any, *, is_true: bool) -> None:
    cluster = StandIn({"namespace triton": found} if found else {})
    assert tenancy(cluster, state).require_own() is is_true


def test_a_stack_that_moves_is_looked_for_where_it_was() -> None:
    moved = state_of(resource(NAMESPACE, name="before", uid="uid-1"))
    before = {"namespace before": live()}
    assert tenancy(StandIn(before), moved).require_own()
    assert not tenancy(StandIn({"namespace before": live("uid-2")}), moved).require_own()


@pytest.mark.parametrize("state", [None, OWN])
def test_a_namespace_of_another_stack_is_refused(state: Any) -> None:
    cluster = StandIn({"namespace triton": live("uid-2", owner="dev")})
    with pytest.raises(DeployError) as caught:
        tenancy(cluster, state).require_own()
    assert str(caught.value) == (
        "cluster.namespace 'triton' belongs to stack dev; accepted: a namespace of its own; set another in "
        "Pulumi.prod.yaml, or where dev was this stack's name: kubectl --context=prod annotate --overwrite namespace "
        "triton densenet-triton/stack=prod"
    )


@pytest.mark.parametrize("state", [None, OWN])
def test_a_namespace_that_others_made_is_refused_unless_it_is_said_to_be(state: Any) -> None:
    cluster = StandIn({"namespace triton": live("uid-2")})
    with pytest.raises(DeployError) as caught:
        tenancy(cluster, state).require_own()
    assert str(caught.value) == (
        "cluster.namespace 'triton' was not made by stack prod; accepted: one that is not there yet, or one that "
        "others look after, with createNamespace: false; in Pulumi.prod.yaml set cluster.createNamespace: false"
    )


def test_a_namespace_that_is_being_removed_is_refused_with_the_wait() -> None:
    cluster = StandIn({"namespace triton": live(owner="prod", deletionTimestamp="2026-11-28T00:00:00Z")})
    with pytest.raises(
        DeployError, match=r"is being removed; .* kubectl --context=prod wait --for=delete namespace/tr"
    ):
        tenancy(cluster).require_own()


def test_what_may_not_be_read_is_said_and_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert tenancy(StandIn(forbidden=("namespace",)), OWN).require_own()
    assert capsys.readouterr().err == (
        "unknown: whose namespace triton is, can't be read: this user may not; going on\n"
    )


def test_a_cluster_that_fails_otherwise_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> str:
        raise CommandFailedError("connection refused")

    cluster = StandIn()
    monkeypatch.setattr(cluster, "kubectl", fail)
    with pytest.raises(CommandFailedError):
        tenancy(cluster).require_own()


def deployed(uid: str) -> dict[str, Any]:
    return state_of(resource(DEPLOYMENT, name="triton", uid=uid))


def others(objects: dict[str, Any] | None = None, **named: Any) -> StandIn:
    return StandIn({"namespace triton": live("uid-9")} if objects is None else objects, createNamespace=False, **named)


def test_a_namespace_that_others_made_is_used() -> None:
    assert tenancy(others()).require_own()


def test_a_namespace_that_others_have_still_to_make_is_named_with_the_command() -> None:
    with pytest.raises(DeployError) as caught:
        tenancy(others({})).require_own()
    assert str(caught.value) == (
        "cluster.namespace 'triton' is not there, and cluster.createNamespace is false; accepted: one that is there; "
        "kubectl --context=prod create namespace triton"
    )


def test_whether_others_namespace_is_there_may_be_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    assert tenancy(others(forbidden=("namespace",))).require_own()
    assert "whether namespace triton is there" in capsys.readouterr().err


def test_ones_own_namespace_is_not_given_away_by_a_key_that_would_remove_it() -> None:
    with pytest.raises(DeployError, match=r"would be removed; .*; remove cluster\.createNamespace from Pulumi\.prod\."):
        tenancy(others(), OWN).require_own()


TRITON = {"namespace triton": live("uid-9"), "deployment/triton": {"metadata": {"uid": "uid-3"}}}


def test_another_stacks_triton_in_others_namespace_is_refused() -> None:
    for state in (None, state_of(), deployed("uid-4")):
        with pytest.raises(DeployError, match="has a deployment/triton that stack prod did not make; accepted: "):
            tenancy(others(TRITON), state).require_own()
    assert tenancy(others(TRITON), deployed("uid-3")).require_own()


def test_in_others_namespace_triton_says_whether_the_state_speaks_of_this_cluster() -> None:
    assert not tenancy(others(), deployed("uid-3")).require_own()
    assert not tenancy(others(), deployed("uid-3")).require_removable()
    assert tenancy(others(forbidden=("deployment",)), deployed("uid-3")).require_own()


def test_another_stacks_triton_is_never_removed() -> None:
    with pytest.raises(DeployError, match="deployment/triton in namespace triton is not the one that stack prod made"):
        tenancy(others(TRITON), deployed("uid-4")).require_removable()
    for state in (deployed("uid-3"), state_of(), None):
        assert tenancy(others(TRITON), state).require_removable()


@pytest.mark.parametrize(("found", "is_true"), [(live(), True), (live("uid-2", owner="prod"), False), (None, False)])
def test_what_is_the_stacks_own_may_be_removed(found: Any, *, is_true: bool) -> None:
    cluster = StandIn({"namespace triton": found} if found else {})
    assert tenancy(cluster, OWN).require_removable() is is_true


def test_a_stack_that_made_no_namespace_removes_none() -> None:
    cluster = StandIn({"namespace triton": live("uid-9")})
    assert tenancy(cluster, state_of()).require_removable()
    assert tenancy(cluster, None).require_removable()


@pytest.mark.parametrize("owner", [None, "dev"])
def test_a_namespace_of_the_same_name_that_is_not_the_stacks_is_never_removed(owner: str | None) -> None:
    cluster = StandIn({"namespace triton": live("uid-2", owner=owner)})
    with pytest.raises(DeployError, match="namespace triton is not the one that stack prod made, and stays; "):
        tenancy(cluster, OWN).require_removable()


def test_a_namespace_of_the_stack_s_own_that_is_being_removed_is_drift_and_waited_for() -> None:
    cluster = StandIn({"namespace triton": live(owner="prod", deletionTimestamp="2026-11-28T00:00:00Z")})
    assert tenancy(cluster, OWN).require_own()


def test_the_namespace_is_asked_for_once() -> None:
    cluster = StandIn({"namespace triton": live(owner="prod")})
    tenancy(cluster, OWN).require_own()
    assert cluster.asked == ["namespace triton"]
