import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy import lease as module
from deploy.errors import CommandFailedError, DeployError, ForbiddenError, LeaseLostError, StackHeldError
from deploy.holder import Holder
from deploy.lease import begun_on, held_lease
from tests.unit.gate.stand_in import StandInCluster

KEY = "triton-staging"
HERE = Holder.of_this_process("earlier").identity
ELSEWHERE = "another-host 1 earlier"


@pytest.fixture
def cluster() -> StandInCluster:
    return StandInCluster()


def held_by(cluster: StandInCluster, holder: str, *, silent_s: float = 0, begun: str | None = None) -> dict[str, Any]:
    renewed = datetime.now(UTC) - timedelta(seconds=silent_s)
    lease: dict[str, Any] = {
        "kind": "Lease",
        "metadata": {"name": f"gate.{KEY}", "resourceVersion": "1"},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 60, "renewTime": renewed.isoformat()},
    }
    if begun:
        lease["metadata"]["annotations"] = {module.BEGUN: begun}
    cluster.objects["lease", f"gate.{KEY}"] = lease
    return lease


def of_a_dead_process() -> str:
    process = subprocess.Popen(["true"])
    process.wait()
    return replace(Holder.of_this_process("earlier"), pid=process.pid, started="1").identity


def take(cluster: StandInCluster, *, wait_s: float = 0) -> Any:
    return held_lease(cluster, "run", wait_s=wait_s, say=print)


def test_a_lease_is_free_again_after_its_run(cluster: StandInCluster) -> None:
    for _ in range(2):
        with take(cluster) as lease:
            assert lease.begun is None


@pytest.mark.parametrize("holder", [HERE, ELSEWHERE], ids=["here", "elsewhere"])
def test_a_second_gate_is_refused(cluster: StandInCluster, holder: str) -> None:
    held_by(cluster, holder)

    with (
        pytest.raises(StackHeldError, match=r"another run works on triton-staging: run earlier .*WAIT=1800"),
        take(cluster),
    ):
        pass


def test_a_second_gate_waits_when_it_is_told_to(cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 0.01)
    lease = held_by(cluster, ELSEWHERE)
    told: list[str] = []

    def end(text: str) -> None:
        told.append(text)
        lease["spec"]["holderIdentity"] = ""

    with held_lease(cluster, "run", wait_s=30, say=end) as taken:
        assert taken.holder.endswith(" run")
    assert told == ["waiting for another run on triton-staging: run earlier on another-host, process 1"]


@pytest.mark.parametrize(
    ("holder", "silent_s"),
    [(of_a_dead_process(), 0), (ELSEWHERE, 61)],
    ids=["dead", "silent"],
)
def test_the_lease_of_a_run_that_is_gone_is_taken_with_its_memory(
    cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch, holder: str, silent_s: float
) -> None:
    monkeypatch.setattr(module, "_WATCHED_S", 0)
    held_by(cluster, holder, silent_s=silent_s, begun="commit 1, plan 2")

    with take(cluster) as lease:
        assert lease.begun == "commit 1, plan 2"


def test_what_was_begun_is_remembered_until_it_is_ended(cluster: StandInCluster) -> None:
    with take(cluster) as lease:
        lease.begin("commit 1, plan 2")
    assert begun_on(cluster) == "commit 1, plan 2"

    with take(cluster) as lease:
        lease.end()
    assert begun_on(cluster) is None


def test_a_lease_that_another_has_taken_is_lost_for_good(cluster: StandInCluster) -> None:
    with take(cluster) as lease:
        held_by(cluster, ELSEWHERE)
        for _ in range(2):
            with pytest.raises(LeaseLostError, match="lost to another run"):
                lease.renew()
    assert cluster.objects["lease", f"gate.{KEY}"]["spec"]["holderIdentity"] == ELSEWHERE


def test_a_holder_whose_clock_is_behind_is_not_robbed(cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = held_by(cluster, ELSEWHERE, silent_s=600)
    read = module._read  # noqa: SLF001 - which is asked between two looks

    def renewed(*arguments: Any) -> Any:
        found = read(*arguments)
        lease["spec"]["renewTime"] = (datetime.now(UTC) - timedelta(seconds=599)).isoformat()
        return found

    monkeypatch.setattr(module, "_WATCHED_S", 0)
    monkeypatch.setattr(module, "_read", renewed)

    with pytest.raises(StackHeldError, match="another run works"), take(cluster):
        pass


def test_a_run_of_the_same_name_in_another_place_is_not_taken_for_dead(cluster: StandInCluster) -> None:
    """Two containers may have one host's name, and number their processes each by itself."""
    elsewhere = replace(Holder.from_identity(of_a_dead_process()), place="another-boot/4026531999")
    held_by(cluster, elsewhere.identity)

    with pytest.raises(StackHeldError, match="another run works"), take(cluster):
        pass


def test_what_an_older_gate_has_written_is_free_by_its_silence_alone(cluster: StandInCluster) -> None:
    held_by(cluster, f"{Holder.of_this_process('run').host} {Holder.from_identity(of_a_dead_process()).pid} earlier")

    with pytest.raises(StackHeldError, match="another run works"), take(cluster):
        pass


def test_leases_lie_where_the_configuration_says(cluster: StandInCluster) -> None:
    named = replace(cluster, config=cluster.config.model_copy(update={"releases_namespace": "team-a-releases"}))

    with take(named):
        assert cluster.objects["lease", f"gate.{KEY}"]["metadata"]["namespace"] == "team-a-releases"
    assert ("namespace", "team-a-releases") not in cluster.objects


def missing_namespace(monkeypatch: pytest.MonkeyPatch, *, may: bool) -> None:
    """The API server's answers where the releases' namespace is not there yet."""
    write = StandInCluster._write  # noqa: SLF001 - what of the stand-in is another

    def answer(cluster: StandInCluster, document: Any, verb: str) -> None:
        if document["kind"] == "Namespace" and not may:
            raise ForbiddenError("Error from server (Forbidden): namespaces is forbidden")
        namespace = document["metadata"].get("namespace")
        if namespace and ("namespace", namespace) not in cluster.objects:
            raise CommandFailedError(f'Error from server (NotFound): namespaces "{namespace}" not found')
        write(cluster, document, verb)

    monkeypatch.setattr(StandInCluster, "_write", answer)


def test_the_default_namespace_is_made_where_it_is_missing(
    cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing_namespace(monkeypatch, may=True)

    with take(cluster):
        assert ("namespace", "densenet-triton-releases") in cluster.objects


def test_a_namespace_that_may_not_be_made_is_asked_for(
    cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing_namespace(monkeypatch, may=False)

    with (
        pytest.raises(DeployError, match="administrator makes it: kubectl create namespace densenet-triton-releases"),
        take(cluster),
    ):
        pass


def test_another_namespace_than_the_default_one_is_somebody_elses_to_make(
    cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing_namespace(monkeypatch, may=True)
    named = replace(cluster, config=cluster.config.model_copy(update={"releases_namespace": "team-a-releases"}))

    with (
        pytest.raises(DeployError, match=r"is not there; .*: kubectl create namespace team-a-releases"),
        take(named),
    ):
        pass


def test_a_lease_costs_three_questions(cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make up` on an unchanged stack is a matter of seconds."""
    asked: list[str] = []
    kubectl = StandInCluster.kubectl

    def counted(cluster: StandInCluster, *arguments: str, **options: Any) -> str:
        asked.append(arguments[0])
        return kubectl(cluster, *arguments, **options)

    with take(cluster):
        pass
    monkeypatch.setattr(StandInCluster, "kubectl", counted)
    with take(cluster):
        pass

    assert asked == ["get", "replace", "replace"]
