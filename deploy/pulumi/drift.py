"""What others have done to a stack's objects since Pulumi touched them last: seen, said, and put back by the update."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, DeployError, ForbiddenError
from deploy.pulumi.declared import Declared, Key, declared_from_state, difference, key_of, read_from_state
from deploy.smoke import TRITON_PODS
from deploy.waits.diagnosis import is_held_back

_GONE_S = 60
_TRIED_AT = "densenet-triton/tried-at"
_MANAGER = "densenet-triton"
_UNKNOWN_KIND = "doesn't have a resource type"

Live = Mapping[Key, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What is not as it was.

    Attributes:
        urns: of the objects that Pulumi has to look at again.
        everything: whether it has to look at all of them: the namespace is another.
        said: a line for each.
    """

    urns: tuple[str, ...] = ()
    everything: bool = False
    said: tuple[str, ...] = ()


def put_back(
    state: Mapping[str, Any], cluster: Cluster, refresh: Callable[[Sequence[str]], None], *, stack: str
) -> None:
    """Compare a state with the cluster, and have Pulumi look again at what differs, so that its next update mends it.

    That costs one question where nothing differs.

    Args:
        state: what `pulumi stack export` printed.
        cluster: where the stack is.
        refresh: Pulumi's, of the URNs that it is given; of everything where there are none.
        stack: its name.

    Raises:
        DeployError: an object is being deleted and does not go; or the cluster does not say.
    """
    declared = declared_from_state(state)
    if not declared:
        return
    live, unknown = live_objects(declared, cluster)
    if going := [each for each in declared if "deletionTimestamp" in live.get(each.key, {}).get("metadata", {})]:
        _await_gone(going, cluster, stack)
        live, unknown = live_objects(declared, cluster)
    for line in _freed_volumes(declared, live, cluster):
        say(line)
    try:
        _try_again(declared, live, cluster)
    except ForbiddenError:
        say("unknown: what holds pods back can't be tried again at once: this user may not; Kubernetes does it later")
    namespace = other_namespace(declared, live, unknown)
    if namespace:
        drift = Drift(everything=True, said=(namespace,))
    else:
        reported = _reports(declared, live, read_from_state(state), cluster)
        drift = drift_from_objects(declared, live, unknown, reported=reported)
    for line in drift.said:
        say(line)
    if drift.everything or drift.urns:
        refresh(() if drift.everything else drift.urns)


def say(line: str) -> None:
    """Tell a person what is going on."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - progress


def live_objects(declared: Sequence[Declared], cluster: Cluster) -> tuple[dict[Key, dict[str, Any]], dict[str, str]]:
    """Ask for all declared objects at once; where that is refused, kind by kind.

    Returns:
        What is there, by key; and why a kind can't be read, by kind.
    """
    try:
        return _asked(declared, cluster), {}
    except CommandFailedError:
        live: dict[Key, dict[str, Any]] = {}
        unknown: dict[str, str] = {}
        for kind in dict.fromkeys(each.key[0] for each in declared):
            try:
                live |= _asked([each for each in declared if each.key[0] == kind], cluster)
            except ForbiddenError as error:
                unknown[kind] = str(error)
            except CommandFailedError as error:
                if _UNKNOWN_KIND not in str(error):
                    raise DeployError(f"the stack's objects could not be looked at: {error}") from error
        return live, unknown


def _asked(declared: Sequence[Declared], cluster: Cluster) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    namespaces = sorted({each.namespace for each in declared} - {""}) or [""]
    for place, namespace in enumerate(namespaces):
        asked = [each for each in declared if each.namespace == namespace or (not each.namespace and place == 0)]
        flags = [f"--namespace={namespace}"] if namespace else []
        arguments = (each.argument for each in asked)
        text = cluster.kubectl("get", *arguments, *flags, "--ignore-not-found", "--output=json")
        answer = json.loads(text) if text.strip() else {"items": []}
        found |= {key_of(live): live for live in answer.get("items", [answer])}
    return found


def other_namespace(declared: Sequence[Declared], live: Live, unknown: Mapping[str, str]) -> str | None:
    """Say whether the namespace is gone or another; None where it is the one that Pulumi has seen, or can't be read."""
    for each in declared:
        if each.kind != "Namespace" or each.key[0] in unknown:
            continue
        if each.key not in live:
            return f"Namespace {each.name} is gone; all that was in it is put back"
        if each.uid not in {None, live[each.key]["metadata"]["uid"]}:
            return f"Namespace {each.name} is another than the one that this stack made; what it lacks is put back"
    return None


def drift_from_objects(
    declared: Sequence[Declared], live: Live, unknown: Mapping[str, str], *, reported: frozenset[Key] = frozenset()
) -> Drift:
    """Compare what is declared with what is there.

    Args:
        declared: of the state.
        live: by key.
        unknown: kinds that can't be read.
        reported: plans' reports and the Jobs that wrote them; once a report is known, neither need be there.
    """
    said = [f"{kind.partition('.')[0]}: not compared with the stack's state: {why}" for kind, why in unknown.items()]
    urns = []
    for each in declared:
        if each.key[0] in unknown or (each.key in reported and each.key not in live):
            continue
        if found := _drift_of(each, live.get(each.key)):
            urns.append(each.urn)
            said.append(f"{each.kind} {each.name}: {found}; it is put back")
    return Drift(urns=tuple(urns), said=tuple(said))


def _drift_of(declared: Declared, live: Mapping[str, Any] | None) -> str | None:
    return "it is gone" if live is None else difference(declared, live)


def _reports(
    declared: Sequence[Declared],
    live: dict[Key, dict[str, Any]],
    read: Mapping[str, Mapping[str, Any]],
    cluster: Cluster,
) -> frozenset[Key]:
    """See that each published plan's report is there.

    Pulumi has read it: it is written again from the state. A Job whose report nobody knows must run once more.

    Returns:
        The keys of the reports that are known, and of their Jobs, which are done for good.
    """
    known: set[Key] = set()
    for job in (each for each in declared if each.kind == "Job"):
        report = next((each for each in declared if each.kind == "ConfigMap" and each.key[1:] == job.key[1:]), None)
        if report is None:
            continue
        text = read.get(f"{report.namespace}/{report.name}")
        if (live.get(report.key) or {}).get("data"):
            known |= {job.key, report.key}
        elif text:
            _write_report(report, text, cluster)
            known |= {job.key, report.key}
        elif _has_succeeded(live.get(job.key)):
            del live[job.key]
            say(f"ConfigMap {report.name}: nothing is reported there; Job {job.name} runs again")
            cluster.kubectl("delete", f"job/{job.name}", f"--namespace={job.namespace}", "--ignore-not-found")
    return frozenset(known)


def _has_succeeded(job: Mapping[str, Any] | None) -> bool:
    conditions = (job or {}).get("status", {}).get("conditions") or []
    return any(each["type"] == "Complete" and each["status"] == "True" for each in conditions)


def _write_report(report: Declared, data: Mapping[str, Any], cluster: Cluster) -> None:
    say(f"ConfigMap {report.name}: the plan's report is gone; it is written again as Pulumi has read it")
    names = {"name": report.name, "namespace": report.namespace}
    written = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": names, "data": dict(data)}
    flags = ("--server-side", f"--field-manager={_MANAGER}", "--force-conflicts")
    cluster.kubectl("apply", *flags, "--filename=-", input_text=json.dumps(written))


def _freed_volumes(declared: Sequence[Declared], live: Live, cluster: Cluster) -> Iterator[str]:
    """Let volumes go whose claim is gone: Kubernetes keeps them for that one, and no new claim of its name binds."""
    uids = {each.key[1:]: live[each.key]["metadata"]["uid"] for each in declared if each.key in live}
    for each in declared:
        claim = (live.get(each.key) or {}).get("spec", {}).get("claimRef", {})
        if each.kind != "PersistentVolume" or "uid" not in claim:
            continue
        is_known = uids.get((claim.get("namespace", ""), claim.get("name", ""))) == claim["uid"]
        if not is_known and _uid_of_claim(claim, cluster) != claim["uid"]:
            gone = [{"op": "remove", "path": f"/spec/claimRef/{key}"} for key in ("uid", "resourceVersion")]
            patch = [each for each in gone if each["path"].rpartition("/")[2] in claim]
            cluster.kubectl("patch", "persistentvolume", each.name, "--type=json", f"--patch={json.dumps(patch)}")
            yield f"PersistentVolume {each.name}: its claim is gone; it is kept for the next of that name"


def _uid_of_claim(claim: Mapping[str, Any], cluster: Cluster) -> str:
    """The UID of the claim that has a volume's claim's name; nothing where there is none."""
    flags = (f"--namespace={claim['namespace']}", "--ignore-not-found", "--output=jsonpath={.metadata.uid}")
    return cluster.kubectl("get", f"persistentvolumeclaim/{claim['name']}", *flags).strip()


def _try_again(declared: Sequence[Declared], live: Live, cluster: Cluster) -> None:
    """Have pods tried again that could not be created or started: Kubernetes does that less and less often.

    What has kept them may be long mended, and is waited for from now on.
    """
    for each in (each for each in declared if each.kind == "Deployment"):
        status = (live.get(each.key) or {}).get("status", {})
        flags = (f"--namespace={each.namespace}",)
        if any(condition["type"] == "ReplicaFailure" for condition in status.get("conditions", [])):
            tried = (f"{_TRIED_AT}={time.time():.0f}", f"--selector={TRITON_PODS}", "--overwrite")
            cluster.kubectl("annotate", "replicasets.apps", *tried, *flags)
        if status.get("unavailableReplicas"):
            pods = cluster.pods(each.namespace, TRITON_PODS)
            if held := [pod["metadata"]["name"] for pod in pods if is_held_back(pod)]:
                cluster.kubectl("delete", "pod", *held, *flags, "--ignore-not-found", "--wait=false")


def _await_gone(going: Sequence[Declared], cluster: Cluster, stack: str) -> None:
    """Wait for what somebody is deleting.

    Raises:
        DeployError: a claim is held by pods; or something does not go.
    """
    for each in going:
        if each.kind == "PersistentVolumeClaim" and (pods := _mounting(each, cluster)):
            raise DeployError(
                f"PersistentVolumeClaim {each.name} is being deleted, and pods hold it: {', '.join(pods)}; let them go,"
                f" and it is made again: kubectl delete pod {' '.join(pods)} --namespace={each.namespace} && make up "
                f"STACK={stack}"
            )
    for each in going:
        say(f"{each.kind} {each.name}: it is being deleted; waiting until it is gone")
        flags = [f"--namespace={each.namespace}"] if each.namespace else []
        try:
            arguments = ("wait", each.argument, "--for=delete", f"--timeout={_GONE_S}s", *flags)
            cluster.kubectl(*arguments, timeout_s=_GONE_S + 10)
        except CommandFailedError as error:
            shown = f"kubectl get {each.kind.lower()} {each.name} {' '.join(flags)} --output=yaml".replace("  ", " ")
            raise DeployError(
                f"{each.kind} {each.name} is being deleted and is not gone after {_GONE_S} s ({error}); its finalizers "
                f"and conditions say who holds it: {shown}; then make up STACK={stack}"
            ) from error


def _mounting(claim: Declared, cluster: Cluster) -> list[str]:
    """Names of the pods, done ones too, that Kubernetes keeps a claim for."""
    return [
        pod["metadata"]["name"]
        for pod in cluster.pods(claim.namespace)
        if pod["spec"].get("nodeName") and claim.name in _claims_of(pod)
    ]


def _claims_of(pod: Mapping[str, Any]) -> set[str]:
    volumes = pod["spec"].get("volumes", [])
    return {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}
