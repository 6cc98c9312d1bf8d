"""The Job that tries to enter Triton's pods, which nobody admits."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.config import StackConfig
from infra.pods import CONTAINER_SECURITY, ENFORCEMENT_TRIAL, job_spec

NOBODY = "nobody"
"""What it prints where no pod was reached; else the address of one that was."""

_DEADLINE_S = 60
_KEPT_S = 600

_SCRIPT = """\
import socket, sys, time

def reached(address):
    try:
        socket.create_connection((address, int(sys.argv[1])), timeout=1).close()
    except OSError:
        return False
    return True

# A new pod may be online a moment before its policies are: what holds for three seconds is the answer.
begun = shut = time.monotonic()
while True:
    found = [address for address in sys.argv[2:] if reached(address)]
    now = time.monotonic()
    shut = now if found else shut
    if now - shut >= 3 or now - begun >= 10:
        break
    time.sleep(0.5)
print(found[0] if found else "nobody")
"""


def job_manifest(config: StackConfig, pod: Mapping[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """Make the Job that tries to enter Triton's pods: small, with no token, on a node that has their image.

    Args:
        config: the stack's.
        pod: one of them, as the API gives it.
        addresses: theirs.
    """
    spec = _pod_spec(config, pod["spec"], addresses)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"{ENFORCEMENT_TRIAL}-", "namespace": config.cluster.namespace},
        "spec": job_spec(ENFORCEMENT_TRIAL, spec, serving=config.serving, deadline_s=_DEADLINE_S, kept_s=_KEPT_S),
    }


def _pod_spec(config: StackConfig, tritons: Mapping[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """The trial's pod, which is admitted and scheduled as Triton's is."""
    on_its_node = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [tritons["nodeName"]]}]}
    terms = {"nodeSelectorTerms": [on_its_node]}
    kept = {key: tritons[key] for key in ("imagePullSecrets", "priorityClassName", "tolerations") if key in tritons}
    return {
        **kept,
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "containers": [_trial_container(config, _triton_container(tritons), addresses)],
    }


def _trial_container(config: StackConfig, triton: Mapping[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    (port,) = (str(each["containerPort"]) for each in triton["ports"] if each["name"] == "http")
    cpu_limit = config.serving.resources.cpu_limit
    limit = {} if cpu_limit is None else {"cpu": cpu_limit}
    return {
        "name": ENFORCEMENT_TRIAL,
        "image": triton["image"],
        "command": ["python3", "-c", _SCRIPT, port, *addresses],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi", **limit}},
        "securityContext": CONTAINER_SECURITY,
    }


def _triton_container(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    containers: Sequence[Mapping[str, Any]] = spec["containers"]
    return next(each for each in containers if each["name"] == "triton")
