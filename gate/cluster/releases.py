"""The releases that a stack can go back to: proven ones, kept in the stack's cluster, a ConfigMap each."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from deploy.cluster import Cluster
from deploy.errors import CommandFailedError
from gate.errors import GateError, RefusedError
from gate.evidence.document import Evidence, Subject, evidence_from_json
from infra.config import HIDDEN, StackValues, secret_places, short_name, value_at_key, with_value_at_key

SCHEMA: Final = 1
NEVER_FETCHED = "https://secret.invalid/model.onnx"
"""A URL where a release has a secret one that nobody knows any more: its plan is pinned, and nothing is built again."""

_OF_STACK = "densenet-triton/namespace"
_STACK = "densenet-triton/stack"
_EVIDENCE_BYTES = 700_000  # a ConfigMap takes 1 MiB in all
_ATTEMPTS = 3
_LOOK_S = 2
_KEY = "release"
_EVIDENCE = "evidence"
_MODEL = "densenet-triton:model"


class Release(BaseModel):
    """What was deployed and proven, with all that it takes to deploy it again."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    id: str = Field(description="The gate's run, such as 20261123T011200Z; in the order of time.")
    subject: Subject = Field(description="What ran: commit, plan, manifest, images, GPU.")
    config: dict[str, Any] = Field(description="The configuration; of what is secret, only that it is.")
    restores: str | None = Field(default=None, description="The release that this one brought back.")

    @property
    def model(self) -> dict[str, Any]:
        """The configuration's group `model`."""
        return dict(self.config[_MODEL])

    @property
    def pinned_config(self) -> dict[str, Any]:
        """The configuration with the plan pinned, so that nothing is built again."""
        return {**self.config, _MODEL: {**self.model, "plan": self.subject.plan_id}}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The dotted keys of the configuration whose values are not kept, for they are secret."""
        return tuple(name for name in secret_places(self.config) if value_at_key(self.config, name) == HIDDEN)

    @property
    def facts(self) -> dict[str, Any]:
        """What of two releases is compared."""
        found = self.subject.model_dump(mode="json", by_alias=True, include={"manifest_sha256", "images", "gpu"})
        return {**declared(self.subject, self.config), **found}


def kept_values(found: StackValues) -> dict[str, Any]:
    """The values of a configuration as a release keeps them, for all to read who may read ConfigMaps."""
    values = dict(found.values)
    for name in found.secrets:
        values = with_value_at_key(values, name, HIDDEN)
    return values


def declared(subject: Subject, config: Mapping[str, Any]) -> dict[str, Any]:
    """What of two releases can be compared before the second is deployed."""
    groups = {key.partition(":")[2]: value for key, value in config.items()}
    return {"commit": subject.commit, "planId": subject.plan_id, **groups}


@dataclass(frozen=True, kw_only=True)
class Releases:
    """The kept releases of one stack.

    Attributes:
        cluster: the stack's.
        key: the stack's namespace.
        stack: its name, for messages.
    """

    cluster: Cluster
    key: str
    stack: str

    def all(self) -> list[Release]:
        """Return them, the newest first.

        Raises:
            RefusedError: one is of another schema.
        """
        return [self._release(item) for item in self._items()]

    def with_evidence(self) -> list[tuple[Release, Evidence | GateError]]:
        """Return them as `all` does, each with the evidence of the run that proved it, or why that can't be read.

        Raises:
            RefusedError: one is of another schema.
        """
        return [(self._release(item), _evidence(item)) for item in self._items()]

    def last(self) -> Release | None:
        """Return the newest: what serves, or has to."""
        items = self._items()
        return self._release(items[0]) if items else None

    def get(self, release: str) -> Release:
        """Return one by its id.

        Raises:
            RefusedError: it is not kept.
        """
        releases = {item["metadata"]["name"].rpartition(".")[2].upper(): item for item in self._items()}
        if release.upper() not in releases:
            raise RefusedError(
                f"release {release!r} of stack {self.stack} is not kept; accepted: {', '.join(releases) or 'none yet'};"
                f" make releases STACK={self.stack} lists them"
            )
        return self._release(releases[release.upper()])

    def add(self, release: Release, evidence: str) -> None:
        """Keep a release.

        Args:
            release: proven.
            evidence: of its run, as JSON.
        """
        labels, notes = {_OF_STACK: self.key}, {_STACK: short_name(self.stack)}
        document: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._name(release.id),
                "namespace": self._namespace,
                "labels": labels,
                "annotations": notes,
            },
            "data": {_KEY: release.model_dump_json(by_alias=True)},
        }
        if len(evidence) < _EVIDENCE_BYTES:
            document["data"][_EVIDENCE] = evidence
        self._create(json.dumps(document))

    def _create(self, document: str) -> None:
        """Create an object; an answer that got lost is asked for again."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self.cluster.kubectl("create", "--filename=-", input_text=document)
            except CommandFailedError as error:
                if attempt > 1 and "(AlreadyExists)" in str(error):
                    return
                if attempt == _ATTEMPTS:
                    raise
                threading.Event().wait(_LOOK_S)
            else:
                return

    def remove(self, releases: Sequence[Release]) -> None:
        """Keep releases no longer."""
        if releases:
            names = [self._name(release.id) for release in releases]
            self.cluster.kubectl("delete", "configmap", *names, f"--namespace={self._namespace}", "--ignore-not-found")

    def _items(self) -> list[dict[str, Any]]:
        selection = (f"--namespace={self._namespace}", f"--selector={_OF_STACK}={self.key}")
        found = json.loads(self.cluster.kubectl("get", "configmaps", *selection, "--output=json"))["items"]
        own = [item for item in found if _stack_of(item) == short_name(self.stack)]
        if len(own) < len(found):
            since = self._owned_since()
            own += [item for item in found if item not in own and since and _age(item)[0] > since]
        return sorted(own, key=_age, reverse=True)

    def _owned_since(self) -> str | None:
        """When the stack's namespace was made, if a stack has made it: releases of it since then are one stack's.

        A stack that `pulumi stack rename` has given another name keeps its namespace, and with it its releases.
        """
        flags = ("--ignore-not-found", "--output=json")
        metadata = json.loads(self.cluster.kubectl("get", "namespace", self.key, *flags) or "{}").get("metadata", {})
        return str(metadata["creationTimestamp"]) if _STACK in metadata.get("annotations", {}) else None

    def _release(self, item: dict[str, Any]) -> Release:
        name, text = item["metadata"]["name"], item.get("data", {}).get(_KEY, "")
        try:
            return Release.model_validate_json(text)
        except ValidationError as error:
            raise RefusedError(
                f"release {name} can't be read ({error.errors(include_url=False)[0]['msg']}); accepted: schema "
                f"{SCHEMA}; use the version of this project that wrote it, or kubectl delete configmap {name} "
                f"--namespace={self._namespace}"
            ) from error

    @property
    def _namespace(self) -> str:
        return self.cluster.config.releases_namespace

    def _name(self, release: str) -> str:
        return f"{self.key}.{release.lower()}"


def _stack_of(item: dict[str, Any]) -> str | None:
    """The name that the stack had when a release was kept."""
    return cast("str | None", item["metadata"].get("annotations", {}).get(_STACK))


def _age(item: dict[str, Any]) -> tuple[str, str]:
    """When a release was kept, by the cluster's clock; the runners' may differ."""
    return str(item["metadata"]["creationTimestamp"]), str(item["metadata"]["name"])


def _evidence(item: dict[str, Any]) -> Evidence | GateError:
    try:
        return evidence_from_json(item["data"].get(_EVIDENCE, ""), str(item["metadata"]["name"]))
    except GateError as error:
        return error


def table_from_releases(releases: Sequence[tuple[Release, Evidence | GateError]]) -> str:
    """The kept releases, each with the evidence of its run, as a table in their order."""
    rows = [("RELEASE", "PROVEN", "COMMIT", "PLAN", "GPU", "")]
    for number, (release, evidence) in enumerate(releases):
        subject = release.subject
        notes = (["last good"] if number == 0 else []) + (
            [f"brought back {release.restores}"] if release.restores else []
        )
        gpu = subject.gpu.product if subject.gpu else "none"
        proven = "unreadable" if isinstance(evidence, GateError) else f"{evidence.finished_at:%Y-%m-%d %H:%M}"
        rows.append((release.id, proven, subject.commit[:12], subject.plan_id, gpu, "; ".join(notes)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
