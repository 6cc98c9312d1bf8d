"""Whether a cluster enforces the NetworkPolicies that a stack declares: tried from a pod that nobody admits."""

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.cluster import Cluster
from deploy.enforcement_job import NOBODY, job_manifest
from deploy.errors import CommandFailedError
from deploy.smoke import TRITON_PODS, has_ended
from deploy.waits.diagnosis import reasons
from infra.config import StackConfig
from infra.pods import DEFAULT_DENY, PLAN_LABEL

ENFORCED_FOR = "densenet-triton/enforced-for"
"""On the policy that forbids: a digest of the Triton pods that a trial could not enter, and of all policies."""

Verdict = Callable[[], str | None]

_POLICIES = "networkpolicies.networking.k8s.io"
_TRIED = 5  # more pods than these tell nothing more
_HAS_ENDED = "--for=jsonpath={.status.conditions}"
_ENDED_S = 90


@contextlib.contextmanager
def trial(config: StackConfig, cluster: Cluster, *, again: bool) -> Iterator[Verdict]:
    """Let a pod of the stack's namespace that nobody admits try to enter Triton, while the context lasts.

    What was seen to be enforced is remembered by the policy itself, for as long as the same pods serve behind the same
    policies.

    Args:
        config: the stack's, which serves.
        cluster: the stack's.
        again: whether what is remembered is tried all the same.

    Yields:
        What waits for the trial's end and gives one line where it was entered, or where nothing is known; else None.
        It raises nothing: what is looked at here is in nobody's way.
    """
    try:
        target = _target(cluster, again=again) if config.cluster.network_policies else None
        job = _create(job_manifest(config, target.pod, target.addresses), cluster) if target else ""
    except CommandFailedError as error:
        line = _unknown(str(error))
        yield lambda: line
        return
    if target is None:
        yield lambda: None
        return
    try:
        yield lambda: _verdict(config, cluster, target, job)
    finally:
        with contextlib.suppress(CommandFailedError):  # Kubernetes removes it later by itself
            _kubectl(cluster, "delete", job, "--ignore-not-found", "--wait=false")


def try_during(proof: Callable[[], None], config: StackConfig, cluster: Cluster) -> None:
    """Make the trial while the proof lasts, unless its outcome is remembered, and say what is not as it is declared.

    Args:
        proof: of the same pods; what it raises ends the trial.
        config: the stack's, which serves.
        cluster: the stack's.
    """
    with trial(config, cluster, again=False) as verdict:
        proof()
        if line := verdict():
            print(line, file=sys.stderr)  # noqa: T201 - what the user has to know


@dataclass(frozen=True, kw_only=True)
class _Target:
    """What a trial is made on.

    Attributes:
        pod: of Triton, on the node that the trial runs on.
        addresses: of the pods that it tries to enter.
        digest: of all of them, and of the namespace's policies.
    """

    pod: Mapping[str, Any]
    addresses: tuple[str, ...]
    digest: str


def _target(cluster: Cluster, *, again: bool) -> _Target | None:
    """What there is to be tried; None where nothing is forbidden, where nothing serves, and where it is remembered."""
    found = json.loads(_kubectl(cluster, "get", f"{_POLICIES},pods", "--output=json"))["items"]
    policy = next((each for each in found if each["metadata"]["name"] == DEFAULT_DENY), None)
    pods = [each for each in found if each["kind"] == "Pod" and _serves(each)]
    if policy is None or not pods:
        return None
    policies = [each for each in found if each["kind"] == "NetworkPolicy"]
    digest = hashlib.sha256(" ".join(sorted(map(_identity, [*pods, *policies]))).encode()).hexdigest()[:16]
    if not again and policy["metadata"].get("annotations", {}).get(ENFORCED_FOR) == digest:
        return None
    addresses = tuple(each["status"]["podIP"] for each in pods[:_TRIED])
    return _Target(pod=pods[0], addresses=addresses, digest=digest)


def _identity(found: Mapping[str, Any]) -> str:
    """An object as it is declared; what is noted on it makes it no other, nor does a pod's state."""
    metadata = found["metadata"]
    return f"{metadata['uid']}:{metadata.get('generation', 0)}" if found["kind"] != "Pod" else str(metadata["uid"])


def _serves(pod: Mapping[str, Any]) -> bool:
    name, _, value = TRITON_PODS.partition("=")
    labels = pod["metadata"].get("labels", {})
    return labels.get(name) == value and PLAN_LABEL in labels and not has_ended(pod) and "podIP" in pod["status"]


def _verdict(config: StackConfig, cluster: Cluster, target: _Target, job: str) -> str | None:
    try:
        _kubectl(cluster, "wait", job, _HAS_ENDED, f"--timeout={_ENDED_S}s", timeout_s=_ENDED_S + 10)
        reached = _kubectl(cluster, "logs", job).strip()
    except CommandFailedError as error:
        return _unknown("; ".join(_reasons(job, cluster)) or str(error))
    if reached == NOBODY:
        with contextlib.suppress(CommandFailedError):  # then it is tried once more
            remembered = f"{ENFORCED_FOR}={target.digest}"
            _kubectl(cluster, "annotate", f"{_POLICIES}/{DEFAULT_DENY}", remembered, "--overwrite")
        return None
    if reached not in target.addresses:
        return _unknown(reached.splitlines()[-1] if reached else f"{job} has said nothing")
    where = f"--namespace={config.cluster.namespace}"
    return (
        f"NetworkPolicies keep nobody out: a pod that endpoint.admit does not name has entered Triton at {reached};"
        " either its address is of a range that endpoint.admit names, or another policy admits it"
        f" (kubectl get networkpolicies {where}), or this cluster enforces none;"
        " accepted: a network plugin that does (docs/own-cluster.md), or, knowingly, in"
        f" Pulumi.{config.stack}.yaml set cluster.networkPolicies: false"
    )


def _reasons(job: str, cluster: Cluster) -> list[str]:
    try:
        return reasons(cluster.pods(cluster.config.namespace, f"job-name={job.rpartition('/')[2]}"))
    except CommandFailedError:
        return []


def _create(manifest: Mapping[str, Any], cluster: Cluster) -> str:
    return _kubectl(cluster, "create", "--filename=-", "--output=name", input_text=json.dumps(manifest)).strip()


def _unknown(why: str) -> str:
    return f"unknown: whether this cluster enforces NetworkPolicies could not be tried: {why}; going on"


def _kubectl(cluster: Cluster, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
    where = f"--namespace={cluster.config.namespace}"
    return cluster.kubectl(*arguments, where, timeout_s=timeout_s, input_text=input_text)
