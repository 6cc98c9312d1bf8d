"""Whose a stack's namespace is, asked of the cluster and of Pulumi's state before anything in it changes."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.cluster import Cluster
from deploy.errors import DeployError, ForbiddenError
from deploy.pulumi.state import NAMESPACE, Resource, resource_in
from deploy.smoke import TRITON
from infra.config.ownership import OWNER_ANNOTATION

_DEPLOYMENT = "kubernetes:apps/v1:Deployment::triton-deployment"


@dataclass(frozen=True, kw_only=True)
class Tenancy:
    """A stack in its namespace.

    Attributes:
        stack: the stack's name.
        file: name of its configuration, for the edits that mend.
        cluster: with the configuration's group `cluster`.
        state: what Pulumi has kept of the stack; nothing where it is new.
    """

    stack: str
    file: str
    cluster: Cluster
    state: Mapping[str, Any] | None
    _answers: dict[tuple[str, ...], dict[str, Any] | None] = field(default_factory=dict, init=False, repr=False)

    def require_own(self) -> bool:
        """See that the namespace is the stack's to work in.

        Returns:
            Whether the state speaks of this cluster's namespace: if not, it has to be compared with the cluster.

        Raises:
            DeployError: it is another stack's, or others' without being said to be, or is not there.
        """
        if self.cluster.config.create_namespace:
            self._require_makeable()
        else:
            self._require_there()
        return self._is_true()

    def require_removable(self) -> bool:
        """See that what the state calls the stack's own is the stack's, so that nothing else is removed.

        Returns:
            As `require_own` does.

        Raises:
            DeployError: the namespace of that name is not the one that the stack has made.
        """
        own = self._own
        live = self._live(own.name) if own else None
        if own and live and live["metadata"]["uid"] != own.uid and owner_of(live) != self.stack:
            raise DeployError(self._elsewhere(f"namespace {own.name}"))
        if own is None and self._triton and self._is_others_triton():
            raise DeployError(self._elsewhere(f"{TRITON} in namespace {self._name}"))
        return self._is_true()

    def _elsewhere(self, what: str) -> str:
        return (
            f"{what} is not the one that stack {self.stack} made, and stays; accepted: the cluster that its state "
            f"speaks of; correct cluster.context in {self.file}, or where that cluster is gone, "
            f'eval "$(make env STACK={self.stack})" && pulumi stack rm --force --preserve-config'
        )

    @property
    def _own(self) -> Resource | None:
        return resource_in(self.state, NAMESPACE)

    @property
    def _name(self) -> str:
        return self.cluster.config.namespace

    def _is_true(self) -> bool:
        """Whether what the state speaks of is there, the namespace or else Triton; where nobody may look, it is."""
        own = self._own
        known = own or self._triton
        live = self._live(own.name) if own else self._live_triton
        return known is None or live is None or (bool(live) and bool(live["metadata"]["uid"] == known.uid))

    def _is_others_triton(self) -> bool:
        """Whether the Triton that is in the namespace is none that the state knows."""
        known, live = self._triton, self._live_triton
        return bool(live and (known is None or live["metadata"]["uid"] != known.uid))

    @property
    def _triton(self) -> Resource | None:
        return resource_in(self.state, _DEPLOYMENT)

    @property
    def _live_triton(self) -> dict[str, Any] | None:
        return self._get(TRITON, f"--namespace={self._name}")

    def _require_makeable(self) -> None:
        """The namespace is not there yet, or is the stack's."""
        live, own = self._live(self._name), self._own
        if live is None:
            _say(f"whose namespace {self._name} is, can't be read")
            return
        if not live:
            return
        owner, is_known = owner_of(live), bool(own and live["metadata"]["uid"] == own.uid)
        if owner != self.stack and not is_known:
            raise DeployError(self._refusal(owner))
        if live["metadata"].get("deletionTimestamp") and not is_known:  # what the state knows is waited for as drift
            raise DeployError(
                f"namespace {self._name!r} is being removed; accepted: one that is gone; wait until it is: "
                f"kubectl --context={self.cluster.config.context} wait --for=delete namespace/{self._name}"
            )

    def _refusal(self, owner: str | None) -> str:
        if owner is None:
            return (
                f"cluster.namespace {self._name!r} was not made by stack {self.stack}; accepted: one that is not there "
                "yet, or one that others look after, with createNamespace: false; "
                f"in {self.file} set cluster.createNamespace: false"
            )
        return (
            f"cluster.namespace {self._name!r} belongs to stack {owner}; accepted: a namespace of its own; "
            f"set another in {self.file}, or where {owner} was this stack's name: kubectl --context="
            f"{self.cluster.config.context} annotate --overwrite namespace {self._name} {OWNER_ANNOTATION}={self.stack}"
        )

    def _require_there(self) -> None:
        """The namespace is others', is there, and no other stack's Triton is in it."""
        own, live, context = self._own, self._live(self._name), self.cluster.config.context
        if own and own.name == self._name:
            raise DeployError(
                f"cluster.createNamespace is false, and stack {self.stack} made namespace {self._name!r}, which would "
                f"be removed; accepted: true, or another namespace; remove cluster.createNamespace from {self.file}"
            )
        if live is None:
            _say(f"whether namespace {self._name} is there, can't be read")
        elif not live:
            raise DeployError(
                f"cluster.namespace {self._name!r} is not there, and cluster.createNamespace is false; accepted: one "
                f"that is there; kubectl --context={context} create namespace {self._name}"
            )
        if self._is_others_triton():
            raise DeployError(
                f"cluster.namespace {self._name!r} has a {TRITON} that stack {self.stack} did not make; accepted: a "
                f"namespace without; set another in {self.file}, or where it is of no use any more: "
                f"kubectl --context={context} delete {TRITON} --namespace={self._name}"
            )

    def _live(self, name: str) -> dict[str, Any] | None:
        return self._get("namespace", name)

    def _get(self, *what: str) -> dict[str, Any] | None:
        """An object as the API gives it, an empty one where it is not there, None where nobody may look; asked once."""
        if what not in self._answers:
            try:
                found = self.cluster.kubectl("get", *what, "--ignore-not-found", "--output=json")
            except ForbiddenError:
                self._answers[what] = None
            else:
                self._answers[what] = dict(json.loads(found)) if found.strip() else {}
        return self._answers[what]


def owner_of(live: Mapping[str, Any]) -> str | None:
    """The stack that an object says it belongs to, or None."""
    owner = live["metadata"].get("annotations", {}).get(OWNER_ANNOTATION)
    return None if owner is None else str(owner)


def _say(what: str) -> None:
    print(f"unknown: {what}: this user may not; going on", file=sys.stderr)  # noqa: T201 - progress
