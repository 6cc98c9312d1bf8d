import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.errors import CommandFailedError
from gate.cluster import lease as module
from gate.cluster.lease import begun_on, held_lease
from gate.errors import LeaseLostError, RefusedError
from tests.unit.gate.stand_in import StandInCluster

KEY = "triton-staging"
HERE = f"{socket.gethostname()} {os.getpid()} earlier"
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


def dead_pid() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def take(cluster: StandInCluster, *, wait_s: float = 0) -> Any:
    return held_lease(cluster, KEY, "run", wait_s=wait_s, say=print)


def test_a_lease_is_free_again_after_its_run(cluster: StandInCluster) -> None:
    for _ in range(2):
        with take(cluster) as lease:
            assert lease.begun is None


@pytest.mark.parametrize("holder", [HERE, ELSEWHERE])
def test_a_second_gate_is_refused(cluster: StandInCluster, holder: str) -> None:
    held_by(cluster, holder)

    with (
        pytest.raises(RefusedError, match=r"another gate works on triton-staging: run earlier .*WAIT=1800"),
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

    with held_lease(cluster, KEY, "run", wait_s=30, say=end) as taken:
        assert taken.holder.endswith(" run")
    assert told == ["waiting for another gate on triton-staging: run earlier on another-host, process 1"]


@pytest.mark.parametrize(
    ("holder", "silent_s"),
    [(f"{socket.gethostname()} {dead_pid()} earlier", 0), (ELSEWHERE, 61)],
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
    assert begun_on(cluster, KEY) == "commit 1, plan 2"

    with take(cluster) as lease:
        lease.end()
    assert begun_on(cluster, KEY) is None


def test_a_lease_that_another_has_taken_is_lost_for_good(cluster: StandInCluster) -> None:
    with take(cluster) as lease:
        held_by(cluster, ELSEWHERE)
        for _ in range(2):
            with pytest.raises(LeaseLostError, match="lost to another gate"):
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

    with pytest.raises(RefusedError, match="another gate works"), take(cluster):
        pass


def test_a_namespace_that_may_not_be_made_is_asked_for(
    cluster: StandInCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_self: Any, document: Any, _verb: str) -> None:
        raise CommandFailedError(f"Error from server (Forbidden): {document['kind']}")

    monkeypatch.setattr(StandInCluster, "_write", forbidden)

    with (
        pytest.raises(RefusedError, match="have it made: kubectl create namespace densenet-triton-releases"),
        take(cluster),
    ):
        pass
