"""What a stack's storage holds, and the pruning of it: a Job in the stack's namespace, for no other place mounts it."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from deploy.waits.diagnosis import reasons
from gate.errors import StorageJobError
from infra.config import KarpenterNodePool, StackConfig
from infra.config.node_pools import POOL_LABEL
from infra.config.storages import claim_name
from infra.pods import CONTAINER_SECURITY, affinity, job_spec, tolerations
from infra.release import release_from_config, stack_key

NAME = "storage"
"""Of the Job and its container; there is one at a time."""

_WORK_S = 120
_DELETION_S = 60
_KEPT_S = 600
_SUCCEEDED = frozenset({"Complete", "SuccessCriteriaMet"})


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What is on a storage.

    Attributes:
        plans: ids of the published plans.
        free_bytes: of the filesystem.
        total_bytes: its size.
    """

    plans: tuple[str, ...]
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What a pruning did.

    Attributes:
        kept: the plans that the stack goes on naming.
        pruned: what was removed.
        named_by_others: what the stack names no more, and another stack does.
        free_bytes: of the filesystem, afterwards.
    """

    kept: tuple[str, ...]
    pruned: tuple[str, ...]
    named_by_others: tuple[str, ...]
    free_bytes: int


@dataclass(frozen=True)
class StorageJobs:
    """The commands of ``model_build`` that work on a storage, run where it is mounted.

    Attributes:
        config: the stack's; its builder image is where the cluster can pull it.
        cluster: the stack's.
    """

    config: StackConfig
    cluster: Cluster

    def exists(self) -> bool:
        """Whether the stack has a storage: before its first deployment there is nothing to look at."""
        found = self._kubectl("get", "persistentvolumeclaim", claim_name(self.config.storage), "--ignore-not-found")
        return bool(found.strip())

    def inventory(self) -> Inventory:
        """Look what is on the storage.

        Raises:
            StorageJobError: nothing could look; the text says why.
        """
        found = self._answer("inventory", read_only=True)
        return Inventory(plans=tuple(found["plans"]), free_bytes=found["freeBytes"], total_bytes=found["totalBytes"])

    def prune(self, keep: Sequence[str]) -> Pruned:
        """Remove the plans that neither this stack nor another one names any more.

        Args:
            keep: ids of the plans that the stack goes on naming; at least the one that serves.

        Raises:
            StorageJobError: nothing was removed, or not all; the text says why.
        """
        done = self._answer("prune", "--stack", stack_key(self.config), "--keep", *keep, read_only=False)
        return Pruned(
            kept=tuple(done["kept"]),
            pruned=tuple(done["pruned"]),
            named_by_others=tuple(done["namedByOthers"]),
            free_bytes=done["freeBytes"],
        )

    def _answer(self, *arguments: str, read_only: bool) -> dict[str, Any]:
        """Run one command and return what it printed. A Job that a killed run has left is ended first."""
        job = job_manifest(self.config, arguments, read_only=read_only)
        self._kubectl(
            *("delete", "job", NAME, "--ignore-not-found", "--cascade=foreground"),
            f"--timeout={_DELETION_S}s",
            timeout_s=_DELETION_S + 10,
        )
        try:
            self._kubectl("create", "--filename=-", input_text=json.dumps(job))
            self._await_end(_patience_s(self.config))
            status = json.loads(self._kubectl("get", "job", NAME, "--output=json"))["status"]
            log = self._kubectl("logs", f"job/{NAME}")
        finally:
            with contextlib.suppress(CommandFailedError):  # Kubernetes removes it later by itself
                self._kubectl("delete", "job", NAME, "--ignore-not-found", "--wait=false")
        return answer_from_log(arguments[0], log, succeeded=has_succeeded(status))

    def _await_end(self, patience_s: int) -> None:
        try:
            self._kubectl(
                *("wait", f"job/{NAME}", "--for=jsonpath={.status.conditions}", f"--timeout={patience_s}s"),
                timeout_s=patience_s + 10,
            )
        except CommandFailedError as error:
            stuck = reasons(self.cluster.pods(self.config.cluster.namespace, f"job-name={NAME}"))
            raise StorageJobError(
                f"the storage's Job did not end within {patience_s} s: {'; '.join(stuck) or error}"
            ) from error

    def _kubectl(self, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        namespace = f"--namespace={self.config.cluster.namespace}"
        return self.cluster.kubectl(*arguments, namespace, timeout_s=timeout_s, input_text=input_text)


def job_manifest(config: StackConfig, arguments: Sequence[str], *, read_only: bool) -> dict[str, Any]:
    """Make the Job that runs a command of ``model_build`` on a stack's storage.

    It lands on the stack's own nodes, as the build does, and has neither a GPU nor a token.

    Args:
        config: the stack's.
        arguments: the command and its arguments but ``--storage``.
        read_only: whether the storage is mounted so.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": NAME, "namespace": config.cluster.namespace},
        "spec": job_spec(
            NAME,
            _pod_spec(config, arguments, read_only=read_only),
            serving=config.serving,
            deadline_s=_patience_s(config) + _WORK_S,
            kept_s=_KEPT_S,
        ),
    }


def has_succeeded(status: dict[str, Any]) -> bool:
    """Whether a Job that has ended has succeeded, by its status."""
    return any(found["type"] in _SUCCEEDED and found["status"] == "True" for found in status.get("conditions", []))


def answer_from_log(command: str, log: str, *, succeeded: bool) -> dict[str, Any]:
    """Take a command's JSON, its last line, out of its pod's log.

    Raises:
        StorageJobError: it failed and its last line is the reason, or it printed something else.
    """
    last = (log.strip() or "it gave no reason").splitlines()[-1]
    with contextlib.suppress(ValueError):
        answer = json.loads(last)
        if succeeded and isinstance(answer, dict):
            return answer
    raise StorageJobError(f"{command} on the storage failed: {last.removeprefix('error: ')}")


def _patience_s(config: StackConfig) -> int:
    """From the Job's creation to its end: its node and image are waited for as Triton's are."""
    return config.timeouts.placement_s + _WORK_S


def _pod_spec(config: StackConfig, arguments: Sequence[str], *, read_only: bool) -> dict[str, Any]:
    claim = {"claimName": claim_name(config.storage), "readOnly": read_only}
    return {
        "imagePullSecrets": [{"name": secret} for secret in config.serving.image_pull_secrets],
        **({"priorityClassName": name} if (name := config.serving.priority_class) else {}),
        **_placement(config),
        "containers": [
            {
                "name": NAME,
                "image": release_from_config(config).builder_image,
                "command": ["python3", "-m", "model_build"],
                "args": [*arguments, "--storage", "/storage"],
                "resources": _resources(config),
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": [{"name": "storage", "mountPath": "/storage", "readOnly": read_only}],
            }
        ],
        "volumes": [{"name": "storage", "persistentVolumeClaim": claim}],
    }


def _resources(config: StackConfig) -> dict[str, Any]:
    """Little; and a CPU limit where the build has one, for the quota that asks it of a container asks it of each."""
    build = config.model.build_resources
    if build.cpu_limit is None:
        return {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}
    return {"requests": {"cpu": build.cpu, "memory": "256Mi"}, "limits": {"cpu": build.cpu_limit, "memory": "1Gi"}}


def _placement(config: StackConfig) -> dict[str, Any]:
    """The nodes of the build and of Triton, which a volume of one node is mounted on."""
    pool, has_gpu = config.node_pool, config.serving.gpus_per_replica > 0
    own_nodes = {POOL_LABEL: config.cluster.namespace} if isinstance(pool, KarpenterNodePool) else dict(pool.selector)
    on_product = affinity(pool, has_gpu=has_gpu)
    return {
        "nodeSelector": own_nodes,
        "tolerations": tolerations(pool, has_gpu=has_gpu),
        **({"affinity": on_product} if on_product else {}),
    }
