"""Processes end under a release that serves: what its clients see; and the gate proves it again after all of them."""

import signal

import psutil
import pytest

from local_cluster.components import NAMES
from tests.faults.bed import Bed
from tests.faults.processes import end_component, process_of_pod

GAP_S = {"the pod": 30, "the server": 30, "traefik": 10}
"""How long nobody may answer at most; where it is not given, every request is answered."""


def triton(bed: Bed) -> psutil.Process:
    """The server's process."""
    found = process_of_pod(bed.stack.pod()["metadata"]["uid"], "tritonserver")
    assert found is not None, "no tritonserver in the pod"
    return found


@pytest.mark.sample
def test_the_only_pod_is_killed(bed: Bed) -> None:
    def kill() -> None:
        name = bed.stack.pod()["metadata"]["name"]
        bed.stack.cluster.kubectl(
            "delete", "pod", name, f"--namespace={bed.stack.namespace}", "--force", "--grace-period=0", "--wait=false"
        )

    account = bed.survive("The only Triton pod deleted, without grace", kill)

    assert account.gap_s < GAP_S["the pod"], account


def test_the_server_in_the_only_pod_is_killed(bed: Bed) -> None:
    account = bed.survive("`kill -9` of tritonserver in the only pod", lambda: triton(bed).kill())

    assert account.gap_s < GAP_S["the server"], account


@pytest.mark.parametrize("name", NAMES)
def test_a_component_is_killed(name: str, bed: Bed) -> None:
    account = bed.survive(f"`kill -9` of {name}", lambda: end_component(bed.stack.cluster, name, signal.SIGKILL))

    assert account.gap_s < GAP_S.get(name, 5), account
    assert name in GAP_S or account.failed == 0, account


def test_the_gateway_is_restarted(bed: Bed) -> None:
    account = bed.survive("The gateway restarted", lambda: end_component(bed.stack.cluster, "traefik", signal.SIGTERM))

    assert account.gap_s < GAP_S["traefik"], account


def test_the_gate_proves_the_same_release_again(bed: Bed) -> None:
    before = bed.stack.serving()

    gated = bed.prove_again()

    assert gated.status == 0, gated.said
    assert bed.stack.serving().plans == before.plans
