"""A stack's whole configuration, checked at once: every fault of every group in one error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from infra.config.faults import PROJECT, StackFile, fault_from_error
from infra.config.groups import Cluster, Endpoint, ExistingNodePool, Group, Model, Serving, Storage
from infra.config.inputs import ModelInputs, inputs_from_files
from infra.config.rules import faults_between_values
from infra.config.schema import fields_of, kind_of, models_of
from infra.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

_NOTHING = object()

REPOSITORY = Path(__file__).resolve().parents[2]
"""The repository's root; relative paths of the configuration begin here."""


class Groups(Group):
    """The groups of a stack's file."""

    cluster: Cluster = Field(description="The cluster and the place in it.")
    node_pool: ExistingNodePool = Field(description="The nodes that the stack runs on.")
    storage: Storage = Field(description="Where sources and model repositories lie.")
    model: Model = Field(description="The model, from its source to what it must answer.")
    serving: Serving = Field(description="Triton's pods.")
    endpoint: Endpoint = Field(description="The way in.")


@dataclass(frozen=True, kw_only=True)
class StackConfig:
    """Everything that a stack's file says, checked, with the files that it names."""

    stack: str
    cluster: Cluster
    node_pool: ExistingNodePool
    storage: Storage
    model: Model
    serving: Serving
    endpoint: Endpoint
    inputs: ModelInputs


def config_from_yaml(path: Path) -> StackConfig:
    """Read a stack's configuration from its file, without Pulumi.

    Args:
        path: the stack's file; its name is ``Pulumi.<stack>.yaml``.

    Raises:
        ConfigError: names every fault.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        mend = f"cp {path.with_name('Pulumi.dev.yaml')} {path}"
        raise ConfigError([f"{path}: there is no such file; accepted: a stack's file; mend: {mend}"]) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError([f"{path}: {reason}; accepted: YAML; mend: edit {path}"]) from None
    values = document.get("config") if isinstance(document, dict) else None
    if not isinstance(values, dict):
        raise ConfigError([f"{path}: has no `config:`; accepted: a stack's groups; mend: edit {path}"])
    return config_from_values(values, stack=path.name.removeprefix("Pulumi.").removesuffix(".yaml"))


def config_from_values(values: Mapping[str, Any], *, stack: str) -> StackConfig:
    """Check a stack's configuration.

    Args:
        values: full keys, such as ``densenet-triton:cluster``, with plain values. Keys of other Pulumi
            packages are none of ours and are passed over.
        stack: name of the stack, for its file's name.

    Raises:
        ConfigError: names every fault, whichever group it is in.
    """
    prefix = f"{PROJECT}:"
    data = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    file = StackFile(stack=stack)
    groups, errors = _groups_from_data(data)
    right = right_values(data, errors)
    faults = [fault_from_error(error, root=Groups, data=data, file=file) for error in errors]
    faults += faults_between_values(right, file=file, repository=REPOSITORY)
    inputs, more = inputs_from_files(right, file=file, repository=REPOSITORY)
    if groups is None or inputs is None or faults or more:
        raise ConfigError([fault.line(file) for fault in [*faults, *more]])
    return StackConfig(stack=stack, inputs=inputs, **dict(groups))


def _groups_from_data(data: Mapping[str, Any]) -> tuple[Groups | None, list[ErrorDetails]]:
    try:
        return Groups.model_validate_json(json.dumps(data, default=str)), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def right_values(data: Mapping[str, Any], errors: Sequence[ErrorDetails]) -> dict[str, Any]:
    """The values that are right by themselves, by dotted key, so that one fault does not hide another.

    Args:
        data: what the user wrote, group by group.
        errors: pydantic's, about all of it.

    Returns:
        Such as ``model.source``; a default where nothing was written. Groups with a choice of kinds are left out.
    """
    wrong = {error["loc"][:depth] for error in errors for depth in (1, 2) if len(error["loc"]) >= depth}
    whole = {error["loc"][0] for error in errors if len(error["loc"]) == 1}
    right = {}
    for group, group_field in fields_of(Groups):
        models = list(models_of(group_field.annotation))
        if group in whole or kind_of(models[0]):
            continue
        for key, field in fields_of(models[0]):
            if (group, key) in wrong:
                continue
            written = data[group].get(key, _NOTHING)
            adapter = TypeAdapter[Any](field.rebuild_annotation())
            right[f"{group}.{key}"] = (
                field.default if written is _NOTHING else adapter.validate_json(json.dumps(written))
            )
    return right
