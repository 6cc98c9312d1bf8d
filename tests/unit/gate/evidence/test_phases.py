"""The stamps, the event and the log are those of an embedded cluster, as far as they are read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gate.evidence.phases import last_ready, phases_from_objects

UID = "2f5a4f83-882a-4dc5-873e-8c8eaa300082"
BEGUN = datetime(2026, 11, 23, 1, 10, 20, 700_000, tzinfo=UTC)
PRESENT = (
    'Container image "localhost/triton-cpu:eb0c8c9f7ffaad1f" already present on machine and can be accessed by the pod'
)
LOG = """\
2026-11-23T01:10:41.007585084Z I1123 01:10:41.007510 1 model_lifecycle.cc:472] "loading: densenet_tensorrt:1"
2026-11-23T01:10:41.310221487Z I1123 01:10:41.310010 1 model_lifecycle.cc:839] "successfully loaded 'densenet_tensorrt'"
2026-11-23T01:10:41.311291927Z I1123 01:10:41.311203 1 http_server.cc:4713] "Started HTTPService at 0.0.0.0:8080"
"""


def stamp(second: int) -> str:
    return f"2026-11-23T01:10:{second}Z"


def pod(*, created: int = 36, ready: int | None = 44, name: str = "triton-1") -> dict[str, Any]:
    conditions = {"PodScheduled": 38, "Initialized": 40, "ContainersReady": 42, "Ready": ready}
    return {
        "metadata": {"name": name, "uid": UID, "creationTimestamp": stamp(created)},
        "status": {
            "conditions": [
                {"type": kind, "status": str(second is not None), "lastTransitionTime": stamp(second or 36)}
                for kind, second in conditions.items()
            ],
            "containerStatuses": [{"name": "triton", "state": {"running": {"startedAt": stamp(40)}}}],
        },
    }


def job(**status: str) -> dict[str, Any]:
    return {"status": {"startTime": stamp(22), "completionTime": stamp(39)} | status}


def event(message: str = PRESENT, *, uid: str = UID, reason: str = "Pulled") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"kind": "Pod", "uid": uid}}


def seconds(**changes: Any) -> dict[str, float | None]:
    objects: dict[str, Any] = {
        "started_at": BEGUN,
        "pod": pod(),
        "job": job(),
        "events": [event(), event()],
        "log": LOG,
        "proven_s": 3.5,
    }
    return {phase.name: phase.seconds for phase in phases_from_objects(**objects | changes)}


def test_each_phase_of_a_run_has_its_seconds() -> None:
    assert seconds() == {
        "node": 2,
        "pull": 0,
        "build": 17,
        "load": 1.31,
        "warm-up": 0.69,
        "ready": 2,
        "proven": 3.5,
    }


def test_what_is_older_than_the_run_was_not_part_of_it() -> None:
    later = seconds(started_at=datetime(2026, 11, 23, 1, 10, 36, 900_000, tzinfo=UTC))
    assert later["build"] is None
    assert later["node"] == 2, "a stamp of the same second may belong to the run"
    after = seconds(started_at=datetime(2026, 11, 23, 1, 10, 37, tzinfo=UTC))
    assert after == dict.fromkeys(after, None) | {"proven": 3.5}


def test_what_left_no_trace_is_unknown() -> None:
    pending = {"metadata": pod()["metadata"], "status": {"phase": "Pending"}}
    unknown = seconds(pod=pending, job=None, events=[], log="", proven_s=None)
    assert list(unknown) == ["node", "pull", "build", "load", "warm-up", "ready", "proven"]
    assert unknown == dict.fromkeys(unknown, None)


@pytest.mark.parametrize("without", ["startTime", "completionTime"])
def test_a_build_that_is_not_done_has_no_seconds(without: str) -> None:
    unfinished = job()
    del unfinished["status"][without]
    assert seconds(job=unfinished)["build"] is None


@pytest.mark.parametrize(
    ("said", "pull"),
    [
        ('Successfully pulled image "x" in 1.2s (1.25s including waiting). Image size: 7 bytes.', 1.25),
        ('Successfully pulled image "x" in 850ms', 0.85),
        (
            'Successfully pulled image "made in 3s/x" in 1m2.5s (1h1m2.5s including waiting). Image size: 7 bytes.',
            3662.5,
        ),
    ],
)
def test_a_pull_is_as_long_as_kubelet_says_with_its_waiting(said: str, pull: float) -> None:
    assert seconds(events=[event(said), event()])["pull"] == pull


def test_events_of_others_and_of_another_kind_are_no_pull() -> None:
    others = [event("pulled in 9s", uid="another"), event("started in 9s", reason="Started")]
    assert seconds(events=others)["pull"] is None
    assert seconds(events=[*others, event()])["pull"] == 0


def test_a_whole_second_that_lies_before_its_fraction_is_no_negative_time() -> None:
    assert seconds(log=LOG.replace("01:10:41.310221487Z", "01:10:42.900000000Z"))["warm-up"] == 0


def test_the_pod_to_follow_is_the_one_that_became_ready_last() -> None:
    first, last, never = pod(ready=42), pod(ready=45, name="triton-2"), pod(ready=None)
    assert last_ready([last, first, never]) is last
    assert last_ready([never]) is None
