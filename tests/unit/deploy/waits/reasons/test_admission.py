import pytest

from deploy.waits.reasons.admission import refused
from deploy.waits.reasons.reason import LATER_S, RETRIED_S, SOON_S
from tests.unit.deploy.waits.reasons.recorded import NAMESPACE, PATIENCE

FORBIDDEN = 'Error creating: pods "triton-846fffb7b9-2qjwp" is forbidden: '


@pytest.mark.parametrize(
    ("said", "kind", "patience_s", "cure"),
    [
        (
            "failed quota: q: must specify limits.cpu for: triton,verify",
            *("quota", SOON_S),
            "set serving.resources.cpuLimit, or have the quota changed: kubectl describe quota q --namespace=triton",
        ),
        (
            "failed quota: q: must specify limits.cpu,requests.ephemeral-storage for: triton",
            *("quota", SOON_S),
            "have a limit range give the pods a default, or the quota changed",
        ),
        (
            "exceeded quota: q, requested: limits.memory=2Gi, used: limits.memory=15Gi, limited: limits.memory=16Gi",
            *("quota", PATIENCE.ending_s),
            "have the quota raised, or set serving.resources lower: kubectl describe quota q --namespace=triton-dev",
        ),
        (
            "maximum memory usage per Container is 100Mi, but limit is 200Mi",
            *("limit range", SOON_S),
            "set serving.resources within it",
        ),
        (
            'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "build" must …)',
            *("pod security", SOON_S),
            "kubectl get namespace triton-dev --show-labels",
        ),
        ("no PriorityClass with name none-such was found", "class", SOON_S, "serving.priorityClass"),
        ('pod rejected: RuntimeClass "nvidia" not found', "class", SOON_S, "serving.runtimeClass"),
        (
            'error looking up service account triton-dev/nobody: serviceaccount "nobody" not found',
            *("refused", LATER_S),
            "",
        ),
    ],
)
def test_a_refusal_is_understood(said: str, kind: str, patience_s: float, cure: str) -> None:
    found = refused("serving", "ReplicaSet triton-1", FORBIDDEN + said, namespace=NAMESPACE, patience=PATIENCE)

    assert (found.kind, found.patience_s) == (kind, patience_s)
    assert cure in found.cure
    assert found.why == f'pods "triton-846fffb7b9-2qjwp" is forbidden: {said}'


@pytest.mark.parametrize(
    ("said", "patience_s", "named"),
    [
        ('admission webhook "validate.kyverno.svc" denied the request: no', SOON_S, "validate.kyverno.svc"),
        ("ValidatingAdmissionPolicy 'cpu' with binding 'all' denied request: no", SOON_S, "cpu"),
        ('Internal error occurred: failed calling webhook "v.svc": connection refused', RETRIED_S, "v.svc"),
    ],
)
def test_a_webhook_that_denies_is_another_thing_than_one_that_is_away(said: str, patience_s: float, named: str) -> None:
    found = refused("serving", "ReplicaSet triton-1", said, namespace=NAMESPACE, patience=PATIENCE)

    assert (found.kind, found.patience_s) == ("admission", patience_s)
    assert named in found.cure


def test_the_builds_keys_are_named_for_the_build() -> None:
    said = FORBIDDEN + "failed quota: q: must specify limits.cpu for: build"

    found = refused("build", "Job plan-1", said, namespace=NAMESPACE, patience=PATIENCE)

    assert found.cure.startswith("set model.buildResources.cpuLimit, or")
