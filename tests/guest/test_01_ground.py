"""What the story stands on: each part is there, and does what another's does."""

import json

import pytest

from infra.images import reference
from tests.guest.guest import CONTEXT, RELEASES, Guest
from tests.guest.provisioner import STORAGE_CLASS
from tests.guest.user import IMAGES

STACK, TEAM = "staging", "team-a"


@pytest.fixture(scope="module", autouse=True)
def _handed_out(guest: Guest) -> None:
    """The administrator has done what the page asks."""
    guest.administer(TEAM, "administrator namespace", "administrator releases", "administrator rights")
    guest.administer(TEAM, "administrator kubeconfig")
    guest.hand_over("team.kubeconfig")


def test_the_team_reaches_the_cluster_by_a_context_that_the_project_never_heard_of(guest: Guest) -> None:
    assert guest.kubectl("config", "current-context").strip() == CONTEXT
    assert guest.kubectl("get", "nodes", "--output=name").split() == ["node/embedded-guest"]


@pytest.mark.parametrize(
    ("verb", "what", "namespace"),
    [
        ("create", "deployments.apps", TEAM),
        ("create", "jobs.batch", TEAM),
        ("create", "secrets", TEAM),
        ("create", "httproutes.gateway.networking.k8s.io", TEAM),
        ("create", "networkpolicies.networking.k8s.io", TEAM),
        ("patch", "replicasets.apps", TEAM),
        ("delete", "pods", TEAM),
        ("create", "leases.coordination.k8s.io", RELEASES),
        ("list", "nodes", None),
        ("get", "storageclasses.storage.k8s.io", None),
        ("get", "namespaces", None),
    ],
)
def test_the_team_may_what_the_roles_say(verb: str, what: str, namespace: str | None, guest: Guest) -> None:
    assert guest.may(verb, what, namespace)


@pytest.mark.parametrize(
    ("verb", "what", "namespace"),
    [
        ("create", "namespaces", None),
        ("patch", "namespaces", TEAM),
        ("list", "pods", None),
        ("create", "persistentvolumes", None),
        ("create", "deployments.apps", "default"),
        ("get", "secrets", RELEASES),
        ("create", "resourcequotas", TEAM),
        ("create", "pods", TEAM),
        ("create", "clusterroles.rbac.authorization.k8s.io", None),
        ("patch", "nodes", None),
    ],
)
def test_the_team_may_nothing_else(verb: str, what: str, namespace: str | None, guest: Guest) -> None:
    assert not guest.may(verb, what, namespace)


def test_the_user_has_no_rights_on_this_machine(guest: Guest) -> None:
    assert guest.user.shell("id --user").strip() == str(guest.user.uid) != "0"
    assert guest.user.run(["cat", str(guest.cluster.layout.kubeconfig)]).returncode != 0


def test_pulumi_keeps_a_stack_in_the_bucket(guest: Guest) -> None:
    guest.do(STACK, "team backend")
    pulumi = 'make venv; eval "$(make env STACK=dev)"; pulumi stack'

    guest.user.shell(f"{pulumi} init first-look --no-select", **guest.variables(STACK))

    assert ".pulumi/stacks/densenet-triton/first-look.json" in guest.bucket.listed()
    guest.user.shell(f"{pulumi} rm --yes first-look", **guest.variables(STACK))


def test_images_are_pushed_without_root(guest: Guest) -> None:
    guest.do(STACK, "team login")

    guest.do("dev", "team images")

    assert all(guest.registry.tags(f"team/{image}") for image in IMAGES)


def test_a_pod_gets_an_image_and_a_volume_that_nobody_made_before(guest: Guest) -> None:
    image = reference("triton-cpu", f"{guest.registry.host}/team")
    guest.kubectl("create", "--filename=-", f"--namespace={TEAM}", input_text=json.dumps(claim()))
    guest.kubectl("create", "--filename=-", f"--namespace={TEAM}", input_text=json.dumps(job(image)))

    guest.kubectl("wait", "job/look", f"--namespace={TEAM}", "--for=condition=Complete", "--timeout=90s")

    guest.kubectl("delete", "job/look", "persistentvolumeclaim/look", f"--namespace={TEAM}")


def claim() -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "look"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def job(image: str) -> dict[str, object]:
    container = {
        "name": "look",
        "image": image,
        "command": ["touch", "/storage/seen"],
        "volumeMounts": [{"name": "storage", "mountPath": "/storage"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": [{"name": "registry"}],
        "containers": [container],
        "volumes": [{"name": "storage", "persistentVolumeClaim": {"claimName": "look"}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "look"},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
