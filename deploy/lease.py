"""One run at a time on a stack, whichever machine it runs on: a Lease in the stack's cluster.

`make up`, `make destroy` and the gate hold it. It is also the gate's memory: what a run has begun stands in it until
the run has ended it. A gate that finds something begun was preceded by one that was interrupted.
"""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError, DeployError, ForbiddenError, LeaseLostError, StackHeldError
from deploy.holder import Holder
from infra.config import Cluster as ClusterConfig

VARIABLE: Final = "DENSENET_TRITON_LEASE"
"""Names the holder to a program that works within its lease: a kept release's own, which a gate runs."""

BEGUN = "densenet-triton/begun"
DURATION_S = 60
_DEFAULT_NAMESPACE = ClusterConfig.model_fields["releases_namespace"].default
_RENEWAL_S = 10
_WATCHED_S = 25
_ANSWER_S = 10
_LOOK_S = 2
_TAKEN_MEANWHILE = ("(AlreadyExists)", "(Conflict)")


@dataclass(kw_only=True)
class Lease:
    """A run's hold on a stack, renewed from a thread.

    Attributes:
        cluster: the stack's.
        key: the stack's namespace.
        holder: this run's identity.
        begun: what an interrupted gate, or this one, has begun to deploy and not ended.
    """

    cluster: Cluster
    key: str
    holder: str
    begun: str | None = None
    _written: dict[str, Any] | None = None
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
                    f"the lease on {self.key} was lost to another run, for this one could not renew it within "
                    f"{DURATION_S} s; what serves is the other's to say: make releases"
                )
            self._written = _write(self.cluster, _document(self, found))

    def take(self, found: Mapping[str, Any] | None) -> None:
        """Write this run into a lease that nobody holds, with the memory that is in it.

        Args:
            found: the lease as it was read, if there is one.
        """
        self.begun = _begun(found)
        self._written = _write(self.cluster, _document(self, found))

    def release(self) -> None:
        """Let go of the stack; where another run has taken it, nothing is touched."""
        self._over.set()
        with self._lock, contextlib.suppress(CommandFailedError):
            if self._written is not None and not self._lost.is_set():
                document = _document(self, self._written)
                document["spec"]["holderIdentity"] = ""
                _write(self.cluster, document)

    def keep_alive(self) -> None:
        """Renew until released; an API server that is away for a while is waited for."""
        while not self._over.wait(_RENEWAL_S):
            with contextlib.suppress(CommandFailedError, LeaseLostError):
                self.renew()


@contextlib.contextmanager
def held_lease(cluster: Cluster, run: str, *, wait_s: float, say: Callable[[str], None]) -> Iterator[Lease]:
    """Hold the lease on a cluster's stack while the context lasts.

    Args:
        cluster: the stack's.
        run: what this run is: a gate's id, or `make-up`.
        wait_s: how long another run is waited for; 0 refuses at once.
        say: told what is waited for.

    Raises:
        StackHeldError: another run works on the stack.
        DeployError: the releases' namespace is not there, or its leases may not be written.
    """
    lease = Lease(cluster=cluster, key=cluster.config.namespace, holder=Holder.of_this_process(run).identity)
    with _rights_asked_for(cluster):
        _acquire(lease, wait_s, say)
    threading.Thread(target=lease.keep_alive, daemon=True).start()
    try:
        yield lease
    finally:
        lease.release()


def begun_on(cluster: Cluster) -> str | None:
    """Return what an interrupted run has begun to deploy on a cluster's stack, as far as the cluster says."""
    try:
        found = _read(cluster, cluster.config.namespace)
    except DeployError:
        return None
    return _begun(found)


@contextlib.contextmanager
def _rights_asked_for(cluster: Cluster) -> Iterator[None]:
    """Say what an administrator has to do where leases can't be had."""
    namespace = cluster.config.releases_namespace
    try:
        yield
    except ForbiddenError as error:
        raise DeployError(
            f"a lease in cluster.releasesNamespace {namespace!r} can't be had ({error}); accepted: a namespace that is "
            "there, with the rights on its leases and configmaps that docs/rbac.yaml lists; an administrator makes it: "
            f"kubectl create namespace {namespace}"
        ) from error


def _acquire(lease: Lease, wait_s: float, say: Callable[[str], None]) -> None:
    """Take a lease that nobody holds, or whose holder is gone; wait for another as long as is wanted."""
    deadline, told = time.monotonic() + wait_s, ""
    while not _take_if_free(lease):
        holder = _shown(_read(lease.cluster, lease.key))
        if time.monotonic() >= deadline:
            raise StackHeldError(
                f"another run works on {lease.key}: {holder}; accepted: one at a time (a silent one is taken for dead "
                f"after {DURATION_S} s); let it end, then repeat, or have a gate wait for it: make gate WAIT=1800"
            )
        if told != holder:
            told = holder
            say(f"waiting for another run on {lease.key}: {holder}")
        threading.Event().wait(_LOOK_S)


def _take_if_free(lease: Lease) -> bool:
    found = _read(lease.cluster, lease.key)
    if found is not None and not _is_free(found["spec"]) and not _stays_silent(lease, found["spec"]):
        return False
    try:
        lease.take(found)
    except CommandFailedError as error:
        if any(words in str(error) for words in _TAKEN_MEANWHILE):
            return False
        if "(NotFound)" not in str(error):
            raise
        _make_namespace(lease.cluster)
        lease.take(None)
    return True


def _make_namespace(cluster: Cluster) -> None:
    """Make the releases' namespace; one that was named instead of the default one is somebody else's to make."""
    namespace = cluster.config.releases_namespace
    if namespace != _DEFAULT_NAMESPACE:
        raise DeployError(
            f"cluster.releasesNamespace {namespace!r} is not there; accepted: a namespace that is; make it: "
            f"kubectl create namespace {namespace}"
        )
    try:
        cluster.kubectl("create", "namespace", namespace)
    except CommandFailedError as error:
        if "(AlreadyExists)" not in str(error):
            raise


def _begun(found: Mapping[str, Any] | None) -> str | None:
    return found["metadata"].get("annotations", {}).get(BEGUN) if found else None


def _is_free(spec: Mapping[str, Any]) -> bool:
    """Whether nobody holds it, or its holder is a process that this machine knows to be dead."""
    holder = spec.get("holderIdentity")
    return not holder or Holder.from_identity(holder).is_dead


def _stays_silent(lease: Lease, spec: Mapping[str, Any]) -> bool:
    """Whether a holder has not renewed it for its duration, nor does while it is watched: clocks differ."""
    age = datetime.now(UTC) - datetime.fromisoformat(spec["renewTime"])
    if age.total_seconds() <= DURATION_S:
        return False
    threading.Event().wait(_WATCHED_S)
    found = _read(lease.cluster, lease.key)
    return found is not None and found["spec"].get("renewTime") == spec["renewTime"]


def _shown(found: Mapping[str, Any] | None) -> str:
    holder = found["spec"].get("holderIdentity") if found else None
    return str(Holder.from_identity(holder)) if holder else "it is just ending"


def _document(lease: Lease, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """The Lease as this holder writes it; with the version that was read, so that of two writers one loses."""
    metadata: dict[str, Any] = {"name": f"gate.{lease.key}", "namespace": lease.cluster.config.releases_namespace}
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
    what = (
        "lease",
        f"gate.{key}",
        f"--namespace={cluster.config.releases_namespace}",
        "--ignore-not-found",
        "--output=json",
    )
    text = cluster.kubectl("get", *what, timeout_s=_ANSWER_S)
    return dict(json.loads(text)) if text.strip() else None


def _write(cluster: Cluster, document: Mapping[str, Any]) -> dict[str, Any]:
    """Write a lease, and return it as it was written, with its new version."""
    verb = "replace" if "resourceVersion" in document["metadata"] else "create"
    text = cluster.kubectl(verb, "--filename=-", "--output=json", input_text=json.dumps(document), timeout_s=_ANSWER_S)
    return dict(json.loads(text))
