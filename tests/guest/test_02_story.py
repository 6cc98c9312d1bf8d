"""From the images to the stack's end, by the commands of docs/own-cluster.md, with the rights of docs/rbac.yaml."""

import json

import pytest
import yaml

from tests.guest.guest import RELEASES, Guest
from tests.guest.provisioner import STORAGE_CLASS

STACK, TEAM = "staging", "team-a"
RIGHT = {"image": "smoke_tests/data/mug.png", "class": 504, "label": "COFFEE MUG", "inception": True}
QUICK = {"shutdown": {"preStopS": 1, "exitTimeoutS": 5, "graceS": 10}}
SMALL = {"accessMode": "ReadWriteOnce", "sizeGib": 2}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def configure(guest: Guest, stack: str, **changes: dict[str, object]) -> None:
    """Change keys of a stack's file, and commit it; a group with a `kind` is a whole one."""
    path = guest.user.clone / f"Pulumi.{stack}.yaml"
    groups = yaml.safe_load(path.read_text())["config"]
    for group, values in changes.items():
        kept = {} if "kind" in values else groups.get(f"densenet-triton:{group}", {})
        groups[f"densenet-triton:{group}"] = kept | values
    guest.user.write(path, yaml.safe_dump({"config": groups}))
    guest.user.commit(f"stack {stack}")


def releases(guest: Guest, stack: str) -> list[str]:
    """The ids of a stack's kept releases, the newest first."""
    lines = guest.user.make("releases", f"STACK={stack}", **guest.variables(stack)).stdout.splitlines()
    return [line.split()[0] for line in lines[1:]]


def serving_plan(guest: Guest, namespace: str) -> str:
    path = "jsonpath={.spec.template.metadata.labels.densenet-triton/plan}"
    return guest.kubectl("get", "deployment", "triton", f"--namespace={namespace}", f"--output={path}")


def evidence(guest: Guest, stack: str) -> dict[str, object]:
    """What the newest run of the gate has left."""
    newest = max((guest.user.clone / "evidence" / stack).iterdir())
    found: dict[str, object] = json.loads((newest / "evidence.json").read_text())
    return found


@pytest.fixture(scope="module", autouse=True)
def _stacks(guest: Guest) -> None:
    """The files of the two stacks, as the page has them; promotion is of one commit that has both."""
    guest.user.shell("git config user.name team; git config user.email team@localhost")
    guest.do(STACK, "team stack")
    guest.do("prod", "team stack")
    configure(guest, "prod", gate={"pauseS": 2}, serving=QUICK, storage={"kind": "claim", "claim": "models"})


def test_a_claim_without_a_class_is_refused_where_none_is_the_default(guest: Guest) -> None:
    configure(guest, STACK, gate={"pauseS": 2}, serving=QUICK, storage={"kind": "claim", **SMALL})

    refused = guest.user.make("up", f"STACK={STACK}", **guest.variables(STACK))

    assert refused.returncode != 0
    said = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    (line,) = said
    assert line == (
        "error: storage: names no storage class, and the cluster has no default one; accepted: storageClass "
        f"({STORAGE_CLASS}), volume or claim; in Pulumi.{STACK}.yaml set storage.storageClass: {STORAGE_CLASS}"
    )
    assert not guest.kubectl("get", "deployments,jobs,persistentvolumeclaims", f"--namespace={TEAM}", "--output=name")
    configure(guest, STACK, storage={"kind": "claim", "storageClass": STORAGE_CLASS, **SMALL})


def test_up_from_nothing_to_the_mug(guest: Guest) -> None:
    said = guest.do(STACK, "team images", "team up")

    assert "= COFFEE MUG" in said
    assert "unknown: " not in said


def test_the_state_lies_in_the_bucket_and_tells_no_secret(guest: Guest) -> None:
    state = guest.bucket.text(f".pulumi/stacks/densenet-triton/{STACK}.json")
    token = yaml.safe_load((guest.user.clone / "team.kubeconfig").read_text())["users"][0]["user"]["token"]

    assert TEAM in state
    assert token not in state
    assert str(guest.user.home) not in state


def test_the_gate_proves_it(guest: Guest) -> None:
    said = guest.do(STACK, "team gate")

    assert "last good" in said
    assert len(releases(guest, STACK)) == 1
    assert guest.kubectl("get", "configmaps", f"--namespace={RELEASES}", "--output=name").count(f"/{TEAM}.") == 1


@pytest.mark.long
def test_the_gate_proves_it_again_and_changes_nothing(guest: Guest) -> None:
    before = guest.kubectl("get", "pods", f"--namespace={TEAM}", "--output=name")

    status, said = guest.gate(STACK, "run", "--stack", STACK)

    assert status == 0, said
    assert guest.kubectl("get", "pods", f"--namespace={TEAM}", "--output=name") == before


def test_a_wrong_release_is_taken_back(guest: Guest) -> None:
    plan = serving_plan(guest, TEAM)
    configure(guest, STACK, model={"expect": RIGHT | {"class": 505, "label": "COFFEEPOT"}})

    status, said = guest.gate(STACK, "run", "--stack", STACK)

    assert status == 2, said
    assert serving_plan(guest, TEAM) == plan
    configure(guest, STACK, model={"expect": RIGHT})


@pytest.mark.long
def test_a_kept_release_is_put_back(guest: Guest) -> None:
    oldest = releases(guest, STACK)[-1]

    said = guest.do(STACK, "team rollback", RELEASE=oldest)

    assert "= COFFEE MUG" in said
    assert len(releases(guest, STACK)) == 3


@pytest.mark.long
def test_what_may_not_be_read_is_unknown_and_no_fault(guest: Guest) -> None:
    guest.cluster.kubectl("delete", "clusterrolebinding", "densenet-triton")
    try:
        status, said = guest.gate(STACK, "run", "--stack", STACK)
    finally:
        guest.administer(TEAM, "administrator rights")

    assert status == 0, said
    assert "unknown: whether the nodes are there that nodePool means: this user may not read nodes" in said
    (check,) = [check for check in evidence(guest, STACK)["before"] if check["name"] == "nodes and GPUs"]  # type: ignore[attr-defined]
    assert check["outcome"] == "skipped"


@pytest.mark.long
def test_what_one_namespace_has_proven_is_promoted_to_another(guest: Guest) -> None:
    guest.administer("team-b", "administrator namespace", "administrator rights")
    share_storage(guest, "team-b")
    guest.do("prod", "team login")

    said = guest.do(STACK, "team promote", TARGET="prod")

    assert "= COFFEE MUG" in said
    assert serving_plan(guest, "team-b") == serving_plan(guest, TEAM)
    guest.do("prod", "team destroy")


def share_storage(guest: Guest, namespace: str) -> None:
    """Have a claim `models` in another namespace lead to the files of the first stack's, as an administrator does."""
    (claim,) = json.loads(guest.kubectl("get", "persistentvolumeclaims", f"--namespace={TEAM}", "--output=json"))[
        "items"
    ]
    volume = json.loads(guest.cluster.kubectl("get", "persistentvolume", claim["spec"]["volumeName"], "--output=json"))
    kept = ("accessModes", "capacity", "hostPath", "nodeAffinity", "volumeMode")
    name = f"{namespace}-models"
    guest.cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                **{key: volume["spec"][key] for key in kept if key in volume["spec"]},
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": namespace, "name": "models"},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "models", "namespace": namespace},
            "spec": {
                "accessModes": claim["spec"]["accessModes"],
                "storageClassName": "",
                "volumeName": name,
                "resources": claim["spec"]["resources"],
            },
        },
    )


def test_the_stack_goes_and_what_is_others_stays(guest: Guest) -> None:
    said = guest.do(STACK, "team destroy")

    assert "claim models-" in said
    assert not guest.kubectl("get", "deployments,jobs,services,httproutes", f"--namespace={TEAM}", "--output=name")
    kept = guest.kubectl("get", "secrets,persistentvolumeclaims", f"--namespace={TEAM}", "--output=name").split()
    assert [name.partition("-")[0] for name in kept] == ["secret/registry", "persistentvolumeclaim/models"]
    namespace = json.loads(guest.kubectl("get", "namespace", TEAM, "--output=json"))["metadata"]
    assert namespace["labels"].items() >= RESTRICTED.items()
    assert not any("densenet" in key for key in namespace.get("annotations", {}))
    assert guest.cluster.kubectl("get", "resourcequota,limitrange", f"--namespace={TEAM}", "--output=name").split() == [
        "resourcequota/team",
        "limitrange/team",
    ]
    assert guest.kubectl("get", "configmaps", f"--namespace={RELEASES}", "--output=name").count(f"/{TEAM}.")
