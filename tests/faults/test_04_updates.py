"""Good updates: no client notices them, not even with an API server that is away for a while."""

import signal
import threading

import psutil

from tests.faults.bed import Bed
from tests.faults.processes import component_pid

AWAY_S = 20


def test_the_api_server_is_away_during_an_update(bed: Bed) -> None:
    bed.configure("away")
    before = bed.stack.serving()
    with bed.load() as load, bed.stack.gating() as running:
        running.until("the new pod", lambda: None if len(bed.stack.pods()) > 1 else "not created")
        server = psutil.Process(component_pid(bed.stack.cluster, "kube-apiserver"))
        server.send_signal(signal.SIGSTOP)
        try:
            threading.Event().wait(AWAY_S)
        finally:
            server.send_signal(signal.SIGCONT)
        running.wait()
    account, gated, after = load.account(), running.ended(), bed.stack.serving()
    bed.record(f"The API server stopped for {AWAY_S} s during an update", account, str(gated), after)

    assert gated.status == 0, gated.said
    assert (account.wrong, account.failed) == (0, 0), account
    assert after.plans.isdisjoint(before.plans), gated.said


def test_a_rolling_update_of_two_replicas(bed: Bed) -> None:
    bed.configure("two", serving={"replicas": 2})
    doubled = bed.stack.gate()
    assert doubled.status == 0, doubled.said
    before = bed.stack.serving()
    bed.configure("rolled", serving={"replicas": 2})
    with bed.load() as load:
        gated = bed.stack.gate()
    account, after = load.account(), bed.stack.serving()
    bed.record("A rolling update of two replicas", account, str(gated), after)

    assert gated.status == 0, gated.said
    assert (account.wrong, account.failed) == (0, 0), account
    assert after.plans.isdisjoint(before.plans), gated.said
