"""One gate at a time on a stack, whichever machine it runs on: a Lease in the stack's cluster.

The Lease is also the gate's memory: what a run has begun stands in it until the run has ended it. A run that finds
something begun was preceded by one that was interrupted.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, DeployError
from gate.errors import LeaseLostError, RefusedError

NAMESPACE = "densenet-triton-releases"
"""Of the cluster: what the gate keeps there outlives the stacks' own namespaces."""

BEGUN = "densenet-triton/begun"
DURATION_S = 60
_RENEWAL_S = 10
_WATCHED_S = 25
_ANSWER_S = 10
_LOOK_S = 2
_TAKEN_MEANWHILE = ("(AlreadyExists)", "(Conflict)")


@dataclass(kw_only=True)
class Lease:
    """A gate's hold on a stack, renewed from a thread.

    Attributes:
        cluster: the stack's.
        key: the stack's namespace.
        holder: this run.
        begun: what an interrupted run, or this one, has begun to deploy and not ended.
    """

    cluster: Cluster
    key: str
    holder: str
    begun: str | None = None
    _over: threading.Event = field(default_factory=threading.Event)
    _lost: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, what: str) -> None:
        """Remember that the stack is being changed.

        Args:
            what: a commit and a plan, in words.
        """
        self.begun = what
        self.renew()

    def end(self) -> None:
        """Remember that what was begun has come to a proven end."""
        self.begun = None
        self.renew()

    def renew(self) -> None:
        """Tell the others that this run lives, and what it has begun.

        Raises:
            LeaseLostError: another run has taken the lease.
        """
        with self._lock:
            found = _read(self.cluster, self.key)
            if self._lost.is_set() or found is None or found["spec"].get("holderIdentity") != self.holder:
                self._lost.set()
                raise LeaseLostError(
                    f"the lease on {self.key} was lost to another gate, for this one could not renew it within "
                    f"{DURATION_S} s; what serves is the other's to say: make releases"
                )
            _write(self.cluster, _document(self, found))

    def release(self) -> None:
        """Let go of the stack."""
        self._over.set()
        with self._lock, contextlib.suppress(CommandFailedError):
            found = _read(self.cluster, self.key)
            if found is not None and found["spec"].get("holderIdentity") == self.holder:
                document = _document(self, found)
                document["spec"]["holderIdentity"] = ""
                _write(self.cluster, document)

    def keep_alive(self) -> None:
        """Renew until released; an API server that is away for a while is waited for."""
        while not self._over.wait(_RENEWAL_S):
            with contextlib.suppress(CommandFailedError, LeaseLostError):
                self.renew()


@contextlib.contextmanager
def held_lease(cluster: Cluster, key: str, run: str, *, wait_s: float, say: Callable[[str], None]) -> Iterator[Lease]:
    """Hold the lease on a stack while the context lasts.

    Args:
        cluster: the stack's.
        key: the stack's namespace.
        run: this run's id.
        wait_s: how long another gate is waited for; 0 refuses at once.
        say: told what is waited for.

    Raises:
        RefusedError: another gate works on the stack.
    """
    lease = Lease(cluster=cluster, key=key, holder=f"{socket.gethostname()} {os.getpid()} {run}")
    make_namespace(cluster)
    _acquire(lease, wait_s, say)
    threading.Thread(target=lease.keep_alive, daemon=True).start()
    try:
        yield lease
    finally:
        lease.release()


def begun_on(cluster: Cluster, key: str) -> str | None:
    """Return what an interrupted run has begun to deploy on a stack, as far as the cluster says."""
    try:
        found = _read(cluster, key)
    except DeployError:
        return None
    return _begun(found)


def make_namespace(cluster: Cluster) -> None:
    """Have the gate's own namespace in a cluster."""
    if cluster.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output=name").strip():
        return
    try:
        cluster.kubectl("create", "namespace", NAMESPACE)
    except CommandFailedError as error:
        if "(AlreadyExists)" not in str(error):
            raise RefusedError(
                f"namespace {NAMESPACE} can't be made ({error}); accepted: one that is there, with the rights on its "
                f"leases and configmaps; have it made: kubectl create namespace {NAMESPACE}"
            ) from error


def _acquire(lease: Lease, wait_s: float, say: Callable[[str], None]) -> None:
    """Take a lease that nobody holds, or whose holder is gone; wait for another as long as is wanted."""
    deadline, told = time.monotonic() + wait_s, ""
    while not _take_if_free(lease):
        found = _read(lease.cluster, lease.key)
        holder = _shown(found)
        if time.monotonic() >= deadline:
            raise RefusedError(
                f"another gate works on {lease.key}: {holder}; accepted: one at a time (a silent one is taken for dead "
                f"after {DURATION_S} s); wait for it: make gate WAIT=1800"
            )
        if told != holder:
            told = holder
            say(f"waiting for another gate on {lease.key}: {holder}")
        threading.Event().wait(_LOOK_S)


def _take_if_free(lease: Lease) -> bool:
    found = _read(lease.cluster, lease.key)
    if found is not None and not _is_free(found["spec"]) and not _stays_silent(lease, found["spec"]):
        return False
    lease.begun = _begun(found)
    try:
        _write(lease.cluster, _document(lease, found))
    except CommandFailedError as error:
        if any(words in str(error) for words in _TAKEN_MEANWHILE):
            return False
        raise
    return True


def _begun(found: Mapping[str, Any] | None) -> str | None:
    return found["metadata"].get("annotations", {}).get(BEGUN) if found else None


def _is_free(spec: Mapping[str, Any]) -> bool:
    """Whether nobody holds it, or its holder is a dead process of this host."""
    holder = spec.get("holderIdentity")
    if not holder:
        return True
    host, pid, _run = holder.split(" ")
    return bool(host == socket.gethostname() and not psutil.pid_exists(int(pid)))


def _stays_silent(lease: Lease, spec: Mapping[str, Any]) -> bool:
    """Whether a holder has not renewed it for its duration, nor does while it is watched: clocks differ."""
    age = datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"])
    if age.total_seconds() <= DURATION_S:
        return False
    threading.Event().wait(_WATCHED_S)
    found = _read(lease.cluster, lease.key)
    return found is not None and found["spec"].get("renewTime") == spec["renewTime"]


def _shown(found: Mapping[str, Any] | None) -> str:
    if found is None or not found["spec"].get("holderIdentity"):
        return "it is just ending"
    host, pid, run = found["spec"]["holderIdentity"].split(" ")
    return f"run {run} on {host}, process {pid}"


def _document(lease: Lease, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """The Lease as this holder writes it; with the version that was read, so that of two writers one loses."""
    metadata: dict[str, Any] = {"name": f"gate.{lease.key}", "namespace": NAMESPACE}
    if found is not None:
        metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
    if lease.begun is not None:
        metadata["annotations"] = {BEGUN: lease.begun}
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": metadata,
        "spec": {"holderIdentity": lease.holder, "leaseDurationSeconds": DURATION_S, "renewTime": now},
    }


def _read(cluster: Cluster, key: str) -> dict[str, Any] | None:
    what = ("lease", f"gate.{key}", f"--namespace={NAMESPACE}", "--ignore-not-found", "--output=json")
    text = cluster.kubectl("get", *what, timeout_s=_ANSWER_S)
    return dict(json.loads(text)) if text.strip() else None


def _write(cluster: Cluster, document: Mapping[str, Any]) -> None:
    verb = "replace" if "resourceVersion" in document["metadata"] else "create"
    cluster.kubectl(verb, "--filename=-", input_text=json.dumps(document), timeout_s=_ANSWER_S)
