"""What a stack's state declares, and where a live object is another."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from deploy.pulumi.state import SECRET

_PREFIX = "kubernetes:"
_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?)(m|[kKMGTPE]i?|e\d+|)")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_NOT_COMPARED = frozenset({"apiVersion", "kind", "metadata", "status"})

Key = tuple[str, str, str]
"""Kind with its group, namespace or nothing, and name of an object."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A Kubernetes object of a state.

    Attributes:
        urn: Pulumi's.
        inputs: the object as the program wants it.
        outputs: as Pulumi saw it last.
    """

    urn: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.inputs["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str((self.outputs.get("metadata") or self.inputs["metadata"])["name"])

    @property
    def namespace(self) -> str:
        """Its namespace; nothing where it belongs to the whole cluster."""
        return str(self.inputs["metadata"].get("namespace") or "")

    @property
    def uid(self) -> str | None:
        """The UID of the object that Pulumi saw last."""
        uid = (self.outputs.get("metadata") or {}).get("uid")
        return None if uid is None else str(uid)

    @property
    def key(self) -> Key:
        """By which its live object is found."""
        return _key(self.inputs["apiVersion"], self.kind, self.namespace, self.name)

    @property
    def argument(self) -> str:
        """As kubectl names it: with version and group, whatever else has a kind of that name."""
        group, _, version = str(self.inputs["apiVersion"]).rpartition("/")
        return f"{self.kind}.{version}.{group}/{self.name}"


def declared_from_state(state: Mapping[str, Any]) -> list[Declared]:
    """Return the Kubernetes objects that a state declares; not those that it only reads, or is about to delete.

    Args:
        state: what `pulumi stack export` prints.
    """
    return [
        Declared(urn=each["urn"], inputs=each["inputs"], outputs=each.get("outputs") or {})
        for each in _kubernetes_objects(state)
        if not each.get("external") and not each.get("delete") and "kind" in each.get("inputs", {})
    ]


def read_from_state(state: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the ConfigMaps' data that the program reads of objects, as it read them last, by `namespace/name`."""
    return {
        each["id"]: (each.get("outputs") or {}).get("data") or {}
        for each in _kubernetes_objects(state)
        if each.get("external") and each["type"] == "kubernetes:core/v1:ConfigMap"
    }


def _kubernetes_objects(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for each in state["deployment"].get("resources") or []:
        if each.get("custom") and each["type"].startswith(_PREFIX):
            yield each


def key_of(live: Mapping[str, Any]) -> Key:
    """The key of an object as the API gives it."""
    metadata = live["metadata"]
    return _key(live["apiVersion"], live["kind"], metadata.get("namespace", ""), metadata["name"])


def difference(declared: Declared, live: Mapping[str, Any]) -> str | None:
    """Say where a live object is another than declared; None where all that is declared is as declared.

    What is declared is a part of what is live: defaults and others' fields are no difference. A secret can't be
    compared; an object with one differs where anybody has written it since Pulumi did.
    """
    seen = declared.outputs.get("metadata") or {}
    if seen.get("uid") == live["metadata"].get("uid") and _is_unwritten(seen, live):
        return _other_addresses(declared, live)
    for part in ("labels", "annotations"):
        if found := _first(declared.inputs["metadata"].get(part), live["metadata"].get(part), f"metadata.{part}"):
            return found
    for key, wanted in declared.inputs.items():
        if key in _NOT_COMPARED or key.startswith("__"):
            continue
        is_text = key == "stringData"  # which the API keeps, encoded, in `data`
        found = _first(_encoded(wanted) if is_text else wanted, live.get("data" if is_text else key), key)
        if found:
            return found
    if _has_secret(declared.inputs):
        return "it was written by others, and a secret can't be compared"
    return _other_addresses(declared, live)


def _key(api_version: str, kind: str, namespace: str, name: str) -> Key:
    return f"{kind}.{api_version.rpartition('/')[0]}", namespace, name


def _is_unwritten(seen: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    version = live["metadata"].get("resourceVersion")
    return version is not None and seen.get("resourceVersion") == version


def _other_addresses(declared: Declared, live: Mapping[str, Any]) -> str | None:
    """A Gateway's addresses are what the stack's URL is made of."""
    if declared.kind != "Gateway":
        return None
    before, now = (_addresses(each) for each in (declared.outputs, live))
    return None if before == now else f"status.addresses is {now or 'nothing'}, and was {before or 'nothing'}"


def _addresses(gateway: Mapping[str, Any]) -> list[str]:
    return [str(each["value"]) for each in (gateway.get("status") or {}).get("addresses") or []]


def _first(wanted: object, has: object, path: str) -> str | None:
    """The first place where a live value lacks something that is declared."""
    if wanted is None or _is_secret(wanted) or (_is_empty(wanted) and _is_empty(has)):
        return None
    if isinstance(wanted, Mapping) and (isinstance(has, Mapping) or has is None):
        return _first_of_mapping(wanted, has or {}, path)
    if isinstance(wanted, Sequence) and not isinstance(wanted, str) and isinstance(has, Sequence | None):
        return _first_of_list(wanted, has or [], path)
    return None if _is_same(wanted, has) else f"{path} is {_shown(has)}, and {_shown(wanted)} is declared"


def _first_of_mapping(wanted: Mapping[str, Any], has: Mapping[str, Any], path: str) -> str | None:
    found = (_first(value, has.get(key), f"{path}.{key}") for key, value in wanted.items() if not key.startswith("__"))
    return next(filter(None, found), None)


def _first_of_list(wanted: Sequence[Any], has: Sequence[Any], path: str) -> str | None:
    """By name where all elements have one, as Kubernetes merges them: others may have added some; else by place."""
    if all(isinstance(each, Mapping) and "name" in each for each in wanted):
        for each in wanted:
            named = [other for other in has if isinstance(other, Mapping) and other.get("name") == each["name"]]
            found = [_first(each, other, f"{path}[{each['name']}]") for other in named]
            if None not in found:
                return found[0] if found else f"{path}[{each['name']}] is gone"
        return None
    if len(wanted) != len(has):
        return f"{path} has {len(has)} elements, and {len(wanted)} are declared"
    pairs = enumerate(zip(wanted, has, strict=True))
    return next(filter(None, (_first(one, other, f"{path}[{place}]") for place, (one, other) in pairs)), None)


def _is_same(wanted: object, has: object) -> bool:
    if isinstance(wanted, bool) or isinstance(has, bool):
        return wanted is has
    if wanted == has:
        return True
    one, other = _amount(wanted), _amount(has)
    return one is not None and one == other


def _amount(value: object) -> Decimal | None:
    """A number or a Kubernetes quantity, such as 250m or 2Gi, as what it means; None for anything else."""
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, suffix = Decimal(match[1]), match[2]
    if suffix == "m":
        return number / 1000
    if suffix.startswith("e"):
        return number * Decimal(10) ** int(suffix[1:])
    base = Decimal(1024 if suffix.endswith("i") else 1000)
    return number * base ** _POWERS[suffix.removesuffix("i")]


def _is_empty(value: object) -> bool:
    return value is None or value in ({}, [], "")


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and SECRET in value


def _has_secret(value: object) -> bool:
    if isinstance(value, Mapping):
        return SECRET in value or any(_has_secret(each) for each in value.values())
    return isinstance(value, list) and any(_has_secret(each) for each in value)


def _encoded(texts: object) -> object:
    """`stringData` as the API keeps it."""
    if not isinstance(texts, Mapping) or _is_secret(texts):
        return texts
    return {
        key: base64.b64encode(text.encode()).decode("ascii") if isinstance(text, str) else text
        for key, text in texts.items()
    }


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - for reading
