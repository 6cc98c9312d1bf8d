"""Where a stack's values come from: its own file, over the file of another stack, over the project's defaults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.config.documents import document_from_file, values_from_document
from infra.config.faults import PROJECT, Fault, StackFile, shown
from infra.config.groups import Groups
from infra.config.schema import fields_of
from infra.config.secrets import CLIENTS, PLACES, SOURCE_URL, keep_secret, parts_of, sealed_paths
from infra.errors import ConfigError
from infra.images import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_BASE = f"{PROJECT}:base"
_STACK_NAME = re.compile(r"[\w.-]+")
_ENVIRONMENT = "environment"
_PROJECT_FILE = "Pulumi.yaml"


@dataclass(frozen=True, kw_only=True)
class StackValues:
    """A stack's values, each with where it comes from.

    Attributes:
        values: full keys, such as ``densenet-triton:cluster``, with plain values; the base is laid under.
        file: the stack's file, which knows where each value stands.
        secrets: dotted keys of the secret values, such as ``model.source.url``.
    """

    values: Mapping[str, Any] = field(repr=False)
    file: StackFile
    secrets: tuple[str, ...] = ()


def file_name(stack: str) -> str:
    """The name of a stack's file: ``organization/project/stack`` has that of the stack."""
    return f"Pulumi.{short_name(stack)}.yaml"


def short_name(stack: str) -> str:
    """A stack's name without its organization and its project."""
    return stack.rpartition("/")[2]


def is_plain(document: Mapping[str, Any], *, folder: Path = REPOSITORY) -> bool:
    """Whether a stack's file says by itself what the stack's values are, so that nobody has to ask Pulumi.

    Args:
        document: the file as it stands.
        folder: the project's.
    """
    values = document.get("config")
    sealed = values if isinstance(values, dict) else {}
    return not document.get(_ENVIRONMENT) and not any(sealed_paths(sealed)) and not _project_defaults(folder)


def values_in_layers(
    values: Mapping[str, Any], path: Path, *, secret_keys: Collection[str] = (), folder: Path = REPOSITORY
) -> StackValues:
    """Lay a stack's values over those of its base, and tell what is secret of them.

    Args:
        values: as Pulumi gives them, or as a plain file has them.
        path: the stack's file; its name is ``Pulumi.<stack>.yaml``.
        secret_keys: the full keys in which Pulumi knows a secret.
        folder: the project's, where the base's file lies.

    Raises:
        ConfigError: the base can't be one, or what is secret can't be kept so.
    """
    own = {str(key): value for key, value in values.items()}
    file = StackFile(stack=path.name.removeprefix("Pulumi.").removesuffix(".yaml"))
    project = _project_defaults(folder)
    if _BASE not in own and not secret_keys and not project:
        return StackValues(values=own, file=file)
    document = _document_or_nothing(path)
    base = own.pop(_BASE, None)
    under = {} if base is None else _base_values(str(base), file, folder)
    defaults = own.keys() & project.keys() - _written(document)
    over = {key: value for key, value in own.items() if key not in defaults or key not in under}
    places = {**dict.fromkeys(_keys(under), file_name(str(base))), **dict.fromkeys(_keys(over), file.name)}
    places |= dict.fromkeys(_keys({key: own[key] for key in defaults & over.keys()}), _PROJECT_FILE)
    elsewhere = {name: place for name, place in places.items() if place != file.name}
    file = StackFile(stack=file.stack, elsewhere=elsewhere, base="" if base is None else file_name(str(base)))
    merged = laid_over(over, under)
    secrets = _secrets(secret_keys, document, merged, file, plain=_plain_clients(document, under))
    keep_secret(value_at_key(merged, name) for name in secrets)
    return StackValues(values=merged, file=file, secrets=secrets)


def value_from_text(text: str) -> Any:
    """A value as Pulumi hands it over: a group as JSON, and a single value as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def laid_over(over: Mapping[str, Any], under: Mapping[str, Any]) -> dict[str, Any]:
    """Values over others, key by key; a group of another ``kind`` replaces the one below it whole, None takes away."""
    merged = {**under, **over}
    for key in over.keys() & under.keys():
        upper, lower = over[key], under[key]
        if upper is None:
            del merged[key]
        elif (
            isinstance(upper, dict)
            and isinstance(lower, dict)
            and upper.get("kind", lower.get("kind")) == lower.get("kind")
        ):
            merged[key] = laid_over(upper, lower)
    return merged


def value_at_key(values: Mapping[str, Any], name: str) -> Any:
    """What stands at a dotted key such as ``model.source.url``, or None."""
    group, *path = parts_of(name)
    value: Any = values.get(f"{PROJECT}:{group}")
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def with_value_at_key(values: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """Values with another one at a dotted key; None takes away what stands there."""
    first, *path = parts_of(name)
    return _with_value(values, [f"{PROJECT}:{first}", *path], value)


def secret_places(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The dotted keys of what there is that may be secret: the source's URL, and each client's key."""
    url = [SOURCE_URL] if value_at_key(values, SOURCE_URL) else []
    return (*url, *(f"{CLIENTS}.{name}" for name in clients_of(values)))


def clients_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """The clients' keys as they were written, by their names."""
    found = value_at_key(values, CLIENTS)
    return {str(name): key for name, key in found.items()} if isinstance(found, dict) else {}


def _with_value(values: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    kept = {key: inner for key, inner in values.items() if key != first}
    if not rest:
        return kept if value is None else {**values, first: value}
    inner = values.get(first)
    if value is None and not isinstance(inner, dict):
        return dict(values)
    return {**values, first: _with_value(inner if isinstance(inner, dict) else {}, rest, value)}


def _base_values(base: str, file: StackFile, folder: Path) -> dict[str, Any]:
    """The values of the stack's base.

    Raises:
        ConfigError: it is none, or one whose values its file does not say by itself.
    """
    path = folder / file_name(base)
    known = sorted(each.name.removeprefix("Pulumi.").removesuffix(".yaml") for each in folder.glob("Pulumi.*.yaml"))
    others = [name for name in known if name != file.stack]
    accepted = f"a stack whose file lies here: {', '.join(others)}"
    if not _STACK_NAME.fullmatch(base):
        found, short = f"is {shown(base)}, and a file has a stack's last name alone", short_name(base)
        raise _refusal(found, accepted, file, *sorted(others, key=lambda name: name != short))
    if base not in others:
        found = "is the stack itself" if base == file.stack else f"is {shown(base)}, and there is no {path.name}"
        raise _refusal(found, accepted, file, *others)
    document = document_from_file(path)
    values = {str(key): value for key, value in values_from_document(document, path).items()}
    if _BASE in values:
        found = f"is {base}, whose file names a base itself"
        mends = [name for name in others if name == str(values[_BASE])]
        raise _refusal(found, "one base, that has none", file, *mends)
    if document.get(_ENVIRONMENT) or any(sealed_paths(values)):
        found = f"is {base}, whose file has secure: or environment:"
        raise _refusal(found, f"a base with plain values; a secret stands in {file.name} itself", file)
    return values


def _refusal(found: str, accepted: str, file: StackFile, *mends: str) -> ConfigError:
    """What can be no base; the first of what may stand there mends it, and else its removal."""
    edit = file.setting("base", mends[0]) if mends else file.removing("base")
    return ConfigError([Fault(key="base", found=found, accepted=accepted, mend=edit).line(file)])


def _project_defaults(folder: Path) -> dict[str, Any]:
    """The full keys that the project's own file gives values to."""
    found = _document_or_nothing(folder / _PROJECT_FILE).get("config")
    keys = found if isinstance(found, dict) else {}
    return {key if ":" in key else f"{PROJECT}:{key}": value for key, value in keys.items()}


def _written(document: Mapping[str, Any]) -> set[str]:
    """The full keys that a stack's file gives values to; from an environment any may come."""
    written = document.get("config")
    if document.get(_ENVIRONMENT):
        return {f"{PROJECT}:{group}" for group, _ in fields_of(Groups)}
    return {str(key) for key in written} if isinstance(written, dict) else set()


def _document_or_nothing(path: Path) -> dict[str, Any]:
    try:
        return document_from_file(path)
    except ConfigError:
        return {}


def _plain_clients(*layers: Mapping[str, Any]) -> set[str]:
    """The dotted keys of the clients' keys that a stack's file, or its base's, says openly."""
    values = [layer["config"] if isinstance(layer.get("config"), dict) else layer for layer in layers]
    return {place for each in values for place in secret_places(each) if isinstance(value_at_key(each, place), str)}


def _secrets(
    keys: Collection[str],
    document: Mapping[str, Any],
    merged: Mapping[str, Any],
    file: StackFile,
    *,
    plain: Collection[str],
) -> tuple[str, ...]:
    """The dotted keys of what is secret.

    A file says it of each value. Of what comes from an environment Pulumi says only in which group it is.

    Raises:
        ConfigError: something is that can't be kept so.
    """
    written = document.get("config")
    sealed = {".".join(path).removeprefix(f"{PROJECT}:") for path in sealed_paths(written or {})}
    groups = {key.removeprefix(f"{PROJECT}:") for key in keys if key.startswith(f"{PROJECT}:")}
    places = {place for place in secret_places(merged) if place.partition(".")[0] in groups}
    found = {name for name in sealed if name.partition(".")[0] in groups and not name.startswith(f"{CLIENTS}.")}
    found |= {place for place in places if place.startswith(f"{CLIENTS}.") and place not in plain}
    for group in groups - {name.partition(".")[0] for name in found}:
        found |= {place for place in places - {*plain} if place.startswith(f"{group}.")} or {group}
    if faults := [_unkept(name, file) for name in sorted(found - places - {SOURCE_URL})]:
        raise ConfigError([fault.line(file) for fault in faults])
    return tuple(sorted(found))


def _unkept(name: str, file: StackFile) -> Fault:
    return Fault(
        key=name,
        found="is a secret, and everybody who may read the cluster's objects would see it",
        accepted=f"a secret in {', '.join(PLACES)}",
        mend=f"pulumi config set --path --plaintext '{PROJECT}:{name}' VALUE --stack {file.stack}",
    )


def _keys(values: Mapping[str, Any]) -> Iterator[str]:
    """The dotted keys of all values, and of the groups that they are in."""
    for key, value in values.items():
        name = key.removeprefix(f"{PROJECT}:")
        yield name
        if isinstance(value, dict):
            yield from (f"{name}.{inner}" for inner in _keys(value))
