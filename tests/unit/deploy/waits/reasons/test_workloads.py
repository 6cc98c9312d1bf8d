from deploy.waits.reasons.workloads import newest_replica_set, workload_reasons
from tests.unit.deploy.waits.reasons.recorded import PATIENCE, event, thing

QUOTA = 'pods "triton-1-a" is forbidden: failed quota: q: must specify limits.cpu for: triton,verify'
FAILURE = {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}]}
FAILED = event("Job", "plan-1", "FailedCreate", f"Error creating: {QUOTA}")


def replica_set(name: str, revision: int, status: dict[str, object] | None = None) -> dict[str, object]:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    return thing("ReplicaSet", name, status, metadata={"annotations": annotations})


def test_a_replica_set_that_can_create_no_pod_says_why() -> None:
    found = list(workload_reasons([replica_set("triton-1", 1, FAILURE)], [], PATIENCE))

    assert [(each.part, each.where, each.why) for each in found] == [("serving", "ReplicaSet triton-1", QUOTA)]


def test_the_release_before_is_not_asked() -> None:
    """It has failed, and its successor is on its way."""
    sets = [replica_set("triton-1", 9, FAILURE), replica_set("triton-2", 10)]

    assert list(workload_reasons(sets, [], PATIENCE)) == []
    assert newest_replica_set(sets) == sets[1]


def test_a_job_has_no_condition_for_it_and_its_events_say_why() -> None:
    found = list(workload_reasons([thing("Job", "plan-1")], [FAILED], PATIENCE))

    assert [(each.part, each.where, each.why) for each in found] == [("build", "Job plan-1", QUOTA)]


def test_a_job_that_has_a_pod_or_has_ended_is_not_asked() -> None:
    done = {"conditions": [{"type": "Complete", "status": "True"}]}

    assert list(workload_reasons([thing("Job", "plan-1", {"active": 1})], [FAILED], PATIENCE)) == []
    assert list(workload_reasons([thing("Job", "plan-1", done)], [FAILED], PATIENCE)) == []
