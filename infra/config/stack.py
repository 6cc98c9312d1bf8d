"""A stack's whole configuration, checked at once: every fault of every group in one error."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from infra.config.documents import document_from_file, values_from_document
from infra.config.door_rules import client_faults, request_faults
from infra.config.faults import PROJECT, StackFile, fault_from_error
from infra.config.groups import ClusterGroup, Groups
from infra.config.inputs import ModelInputs, inputs_from_files
from infra.config.inspection import facts_from_source, inspection_from_file
from infra.config.json_bodies import largest_body_bytes, opens_json
from infra.config.layers import StackValues, clients_of, values_in_layers
from infra.config.preprocessing import preprocessing_faults
from infra.config.rollout import rollout_from_groups
from infra.config.rules import faults_between_values
from infra.config.schema import fields_of, kind_of, models_of
from infra.config.secrets import keep_secret
from infra.config.timeouts import timeouts_from_groups
from infra.errors import ConfigError
from infra.images import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from infra.config.endpoints import Endpoint
    from infra.config.groups import Cluster, Gate, Model
    from infra.config.inspection import Inspect
    from infra.config.node_pools import NodePool
    from infra.config.rollout import Rollout
    from infra.config.serving import Serving
    from infra.config.storages import Storage
    from infra.config.timeouts import Timeouts

_NOTHING = object()


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """Everything that a stack's file says, checked, with the files that it names.

    Attributes:
        secrets: dotted keys of the values that are secret.
    """

    stack: str
    cluster: Cluster
    node_pool: NodePool
    storage: Storage
    model: Model
    serving: Serving
    endpoint: Endpoint
    gate: Gate
    inputs: ModelInputs
    secrets: tuple[str, ...] = ()

    @property
    def rollout(self) -> Rollout:
        """How an update replaces serving pods."""
        return rollout_from_groups(self.serving, self.node_pool)

    @property
    def json_bodies(self) -> bool:
        """Whether whole requests in JSON are routed."""
        return opens_json(self.endpoint.json_bodies, self.serving.image)

    @property
    def largest_body_bytes(self) -> int | None:
        """The largest body that is routed; None where the gateway may know no limit."""
        return largest_body_bytes(self.endpoint, json_bodies=self.json_bodies)

    @property
    def timeouts(self) -> Timeouts:
        """What waits for what."""
        return timeouts_from_groups(self.model, self.serving, ends_first=self.rollout.ends_first)


def config_from_yaml(path: Path) -> StackConfig:
    """Read a stack's configuration from its file as it stands, without Pulumi.

    Args:
        path: the stack's file; its name is ``Pulumi.<stack>.yaml``.

    Raises:
        ConfigError: names every fault.
    """
    return config_from_stack_values(stack_values_from_yaml(path))


def cluster_from_yaml(path: Path) -> Cluster:
    """Read the group ``cluster`` of a stack's file as it stands, as `cluster_from_values` does.

    Args:
        path: the stack's file; its name is ``Pulumi.<stack>.yaml``.

    Raises:
        ConfigError: names every fault of that group.
    """
    return cluster_from_values(stack_values_from_yaml(path))


def stack_values_from_yaml(path: Path) -> StackValues:
    """Read a stack's values from its file as it stands, its base laid under; what is encrypted stays so.

    Raises:
        ConfigError: the file can't be read, or its base.
    """
    values = values_from_document(document_from_file(path), path)
    return values_in_layers(values, path)


def cluster_from_values(found: StackValues) -> Cluster:
    """Check the group ``cluster`` alone, so that what is wrong elsewhere is in nobody's way.

    Raises:
        ConfigError: names every fault of that group.
    """
    data = {key: value for key, value in _data_from_values(found.values).items() if key == "cluster"}
    try:
        return ClusterGroup.model_validate_json(json.dumps(data)).cluster
    except ValidationError as error:
        errors = error.errors(include_url=False)
    faults = [fault_from_error(error, root=ClusterGroup, data=data, file=found.file) for error in errors]
    raise ConfigError([fault.line(found.file) for fault in faults])


def config_from_values(
    values: Mapping[str, Any], *, stack: str, inspect: Inspect = inspection_from_file
) -> StackConfig:
    """Check a stack's configuration.

    Args:
        values: full keys, such as ``densenet-triton:cluster``, with plain values. Keys of other Pulumi
            packages are none of ours and are passed over.
        stack: name of the stack, for its file's name.
        inspect: looks into a model's file that is on this disk.

    Raises:
        ConfigError: names every fault, whichever group it is in.
    """
    return config_from_stack_values(StackValues(values=values, file=StackFile(stack=stack)), inspect=inspect)


def config_from_stack_values(found: StackValues, *, inspect: Inspect = inspection_from_file) -> StackConfig:
    """Check a stack's configuration as `config_from_values` does, knowing where its values come from.

    Raises:
        ConfigError: names every fault, whichever group it is in.
    """
    data, file = _data_from_values(found.values), found.file
    keep_secret(clients_of(found.values).values())
    groups, errors = _groups_from_data(data)
    right = right_values(data, errors)
    faults = [fault_from_error(error, root=Groups, data=data, file=file) for error in errors]
    # What is right by itself may stand in the base, whose own stack it fits
    fitting = replace(file, spares_base=True)
    faults += client_faults(right, sealed=found.secrets, file=file)
    faults += faults_between_values(right, file=fitting, repository=REPOSITORY)
    facts, unfit = facts_from_source(right, file=fitting, inspect=inspect)
    inputs, unread = inputs_from_files(right, facts.classes, file=fitting, repository=REPOSITORY)
    faults += [*unfit, *preprocessing_faults(right, facts, fitting), *request_faults(right, facts, fitting), *unread]
    if groups is None or inputs is None or faults:
        raise ConfigError([fault.line(file) for fault in faults])
    return StackConfig(stack=file.stack, inputs=inputs, secrets=found.secrets, **dict(groups))


def _data_from_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The project's own groups, as plain as JSON is: YAML knows dates, and keys that are no text."""
    prefix = f"{PROJECT}:"
    own = {str(key): value for key, value in values.items()}
    return {key.removeprefix(prefix): _plain(value) for key, value in own.items() if key.startswith(prefix)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _groups_from_data(data: Mapping[str, Any]) -> tuple[Groups | None, list[ErrorDetails]]:
    try:
        return Groups.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def right_values(data: Mapping[str, Any], errors: Sequence[ErrorDetails]) -> dict[str, Any]:
    """The values that are right by themselves, by dotted key, so that one fault does not hide another.

    Args:
        data: what the user wrote, group by group.
        errors: pydantic's, about all of it.

    Returns:
        Values such as ``model.source``, with a default where nothing was written, and whole groups such as
        ``nodePool`` where nothing in them is wrong. Groups with a choice of kinds are there as a whole only.
    """
    wrong = {error["loc"][:depth] for error in errors for depth in (1, 2) if len(error["loc"]) >= depth}
    whole = {error["loc"][0] for error in errors if len(error["loc"]) == 1}
    right = {}
    for group, group_field in fields_of(Groups):
        if (group,) not in wrong:
            right[group] = _validated(group_field, data[group]) if group in data else group_field.default
        models = list(models_of(group_field.annotation))
        if group in whole or kind_of(models[0]):
            continue
        for key, field in fields_of(models[0]):
            if (group, key) not in wrong:
                written = data.get(group, {}).get(key, _NOTHING)
                right[f"{group}.{key}"] = field.default if written is _NOTHING else _validated(field, written)
    return right


def _validated(field: FieldInfo, written: Any) -> Any:
    return TypeAdapter[Any](field.rebuild_annotation()).validate_json(json.dumps(written))
