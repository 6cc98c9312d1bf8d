"""One configuration fault, as the line that a user reads."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from contract.urls import shown_url
from infra.config.schema import example_at, example_of, field_at, fields_of, groups_at, kind_of, value_at
from infra.config.secrets import hidden
from infra.config.text import SHAPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

PROJECT = "densenet-triton"

_SHOWN_CHARACTERS = 80
_URL = re.compile(r"[A-Za-z][\w+.-]*:/.*", re.DOTALL)
_USER = re.compile(r"[^\s/]*:[^\s/]*@(?!sha256:)")
_NO_KIND = frozenset({"union_tag_invalid", "union_tag_not_found"})
_PLAIN = {
    "bool_type": "true or false",
    "dict_type": "keys with text",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": "at most {le}",
    "model_attributes_type": "a group of keys",
    "model_type": "a group of keys",
    "string_type": "text",
    "tuple_type": "a list",
}
"""What is accepted, in a user's words, by pydantic's types of errors."""


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """The file that a stack's configuration stands in.

    Attributes:
        stack: its name.
        elsewhere: names of other files, by the dotted keys, groups included, whose values stand there alone.
        base: name of its base's file; nothing where it has none.
        spares_base: whether edits leave that alone, for the base's own stack is right with it.
    """

    stack: str
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    base: str = ""
    spares_base: bool = False

    @property
    def name(self) -> str:
        """File name, as Pulumi spells it."""
        return f"Pulumi.{self.stack}.yaml"

    def holding(self, key: str) -> str:
        """The name of the file that a dotted key stands in, or would."""
        if key in self.elsewhere:
            return self.elsewhere[key]
        around = [found for found in self.elsewhere if key.startswith(f"{found}.")]
        values = [found for found in around if not any(other.startswith(f"{found}.") for other in self.elsewhere)]
        return self.elsewhere[values[0]] if values else self.name

    def _mended_in(self, key: str) -> str:
        """The name of the file that is edited for a key; an item of a list is in the file that has the list."""
        place = self.holding(key)
        is_item = any(part.isdigit() for part in key.split("."))
        return self.name if self.spares_base and place == self.base and not is_item else place

    def setting(self, key: str, value: object) -> str:
        """The edit that sets a key, with the value as YAML on one line."""
        text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf)
        text = text.removesuffix("...\n").strip()
        return f"in {self._mended_in(key)} set {_as_written(key)}: {text}"

    def removing(self, key: str) -> str:
        """The edit that removes a key; one of the base's that is spared gets its default back."""
        place = self.holding(key)
        return self.setting(key, None) if self._mended_in(key) != place else f"remove {_as_written(key)} from {place}"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with one key.

    Attributes:
        key: dotted path from the group, such as ``serving.replicas``.
        found: what stands there, in words.
        accepted: what may stand there.
        mend: the edit that mends it.
    """

    key: str
    found: str
    accepted: str
    mend: str

    def line(self, file: StackFile) -> str:
        """The fault as one line."""
        where = f"{file.holding(self.key)}: {PROJECT}:{self.key}"
        text = f"{where} {self.found}; accepted: {self.accepted}; mend: {self.mend}"
        return "".join(_printable(character) for character in hidden(" ".join(text.split())))


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _as_written(key: str) -> str:
    """A key as the file spells it: a group's with the project's name."""
    return key if "." in key else f"{PROJECT}:{key}"


def shown(value: object) -> str:
    """A value as a fault shows it: JSON, on one line, cut where it is long, without what URLs may hold of secrets."""
    text = json.dumps(discreet(value), default=str, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def discreet(value: object) -> object:
    """A value without what is secret, and without what URLs may hold of secrets."""
    if isinstance(value, dict):
        return {discreet(key): discreet(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [discreet(inner) for inner in value]
    if isinstance(value, str):
        return _USER.sub("…@", _URL.sub(lambda url: shown_url(url[0]), hidden(value)))
    return value


def fault_from_error(error: ErrorDetails, *, root: type[BaseModel], data: object, file: StackFile) -> Fault:
    """Turn one of pydantic's errors into a fault.

    Args:
        error: its location begins with the group's name.
        root: the model whose fields are the groups.
        data: what the user wrote, group by group.
        file: where it was written.
    """
    path = list(_path_from_error(error, data))
    key = ".".join(path)
    if error["type"] == "extra_forbidden":
        names = [name for group in groups_at(root, path[:-1], data) for name, _ in fields_of(group)]
        return Fault(
            key=key,
            found=f"is not a key (it holds {shown(value_at(data, path))})",
            accepted=", ".join(dict.fromkeys(names)),
            mend=file.removing(key),
        )
    missing = error["type"] in {"missing", "union_tag_not_found"}
    found = _context(error).get("found") or f"is {shown(value_at(data, path))}"
    return Fault(
        key=key,
        found="is missing" if missing else found,
        accepted=_accepted(error, root, path, data),
        mend=_mend(error, root, path, data, file),
    )


def _context(error: ErrorDetails) -> dict[str, Any]:
    return error.get("ctx", {})


def _mend(error: ErrorDetails, root: type[BaseModel], path: Sequence[str], data: object, file: StackFile) -> str:
    if error["type"] in _NO_KIND:
        return _kind_set(root, path, data, file)
    if said := _context(error).get("mend"):
        return str(said).format(file=file.holding(".".join(path)), stack=file.stack)
    key, example = ".".join(path), example_at(root, path, data)
    return file.removing(key) if example is None else file.setting(key, example)


def _kind_set(root: type[BaseModel], path: Sequence[str], data: object, file: StackFile) -> str:
    """The edit that names a kind; where the group's other keys are those of no kind, all of them are set."""
    *outer, last = path
    written, groups = value_at(data, outer), groups_at(root, outer, data)
    for group in groups:
        kind = kind_of(group)
        if _is_accepted(group, written | {last: kind}):
            return file.setting(".".join(path), kind)
    return file.setting(".".join(outer), example_of(groups[0]))


def _is_accepted(group: type[BaseModel], written: dict[str, Any]) -> bool:
    try:
        group.model_validate_json(json.dumps(written))
    except ValidationError:
        return False
    return True


def _path_from_error(error: ErrorDetails, data: object) -> Iterator[str]:
    """The key path of an error: its location without the tags that a choice of kinds puts in."""
    last = len(error["loc"]) - 1
    for position, part in enumerate(error["loc"]):
        inside = isinstance(part, int) or (isinstance(data, dict) and part in data)
        if inside or (position == last and error["type"] == "missing"):
            yield str(part)
            data = value_at(data, [str(part)])
    if error["type"] in _NO_KIND:
        yield "kind"


def _accepted(error: ErrorDetails, root: type[BaseModel], path: Sequence[str], data: object) -> str:
    if error["type"] in _NO_KIND:
        return ", ".join(str(kind_of(group)) for group in groups_at(root, path[:-1], data))
    field = field_at(root, path, data)
    if error["type"] == "missing" and field and field.description:
        return field.description.rstrip(".")
    if error["type"] == "dict_type" and groups_at(root, path, data):
        return _PLAIN["model_type"]
    if error["type"] in _PLAIN:
        return _PLAIN[error["type"]].format(**_context(error))
    if error["type"] == SHAPE:
        return str(_context(error)["accepted"])
    message = error["msg"]
    return message.partition(" should be ")[2] or message
