"""Finding one's way in the configuration's models: from a key path to its field, examples and choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic.fields import FieldInfo


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a group as the configuration spells them, each with its field."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """The groups that an annotation names: itself, the members of a union, the items of a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_of(inner)


def kind_of(model: type[BaseModel]) -> str | None:
    """The value of ``kind`` that chooses this group, or None where there is no choice."""
    field = model.model_fields.get("kind")
    return str(get_args(field.annotation)[0]) if field and get_origin(field.annotation) is Literal else None


def field_at(model: type[BaseModel], path: Sequence[str], data: Any) -> FieldInfo | None:
    """The field at a key path, or None where the path leads out of the models.

    Args:
        model: where the path begins.
        path: keys and list positions.
        data: what the user wrote at ``model``; its ``kind`` chooses among the members of a union.
    """
    *inner, last = path
    found: type[BaseModel] | None = model
    for part in inner:
        data = value_at(data, [part])
        if found is not None and not part.isdigit():
            field = dict(fields_of(found)).get(part)
            found = _chosen(list(models_of(field.annotation)), data) if field else None
    return dict(fields_of(found)).get(last) if found else None


def value_at(data: Any, path: Sequence[str]) -> Any:
    """What stands at a key path, or None where nothing does."""
    for part in path:
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, dict):
            data = data.get(part)
        else:
            return None
    return data


def groups_at(model: type[BaseModel], path: Sequence[str], data: Any) -> list[type[BaseModel]]:
    """The groups that may stand at a key path: one, or one for each kind that is left to choose from."""
    if not path:
        return [model]
    named = list(path)
    while named[-1].isdigit():  # an item is of the groups of its list
        named.pop()
    field = field_at(model, named, data)
    groups = list(models_of(field.annotation)) if field else []
    chosen = _chosen(groups, value_at(data, path))
    return [chosen] if chosen else groups


def _chosen(groups: Sequence[type[BaseModel]], data: Any) -> type[BaseModel] | None:
    if len(groups) == 1:
        return groups[0]
    if isinstance(data, list):
        return groups[0] if groups else None
    kind = data.get("kind") if isinstance(data, dict) else None
    return next((group for group in groups if kind_of(group) == kind), None)


def example_of(model: type[BaseModel]) -> dict[str, object]:
    """The smallest group that is accepted: an example for each key without a default."""
    return {name: field.examples[0] for name, field in fields_of(model) if field.is_required() and field.examples}


def example_at(model: type[BaseModel], path: Sequence[str], data: Any) -> object:
    """A value that is accepted at a key path: the field's example, else its default; None where it is best left out."""
    field = field_at(model, path, data)
    if field is None:
        return _inner_example(model, path, data)
    if field.examples:
        return field.examples[0]
    if field.is_required():
        return example_of(groups_at(model, path, data)[0])
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return default.model_dump(mode="json", by_alias=True)
    return default if default is None or isinstance(default, int | float | list | dict | tuple) else str(default)


def _inner_example(model: type[BaseModel], path: Sequence[str], data: Any) -> object:
    """A value for what is no field: the kind that is to be chosen, or an item of a list or of a mapping."""
    *outer, last = path
    groups, field = groups_at(model, outer, data), field_at(model, outer, data)
    items = field.examples[0] if field and field.examples else [""]
    if groups and last == "kind":
        return kind_of(groups[0])
    if groups and not (isinstance(items, list) and isinstance(items[0], dict)):
        return example_of(groups[0])
    return next(iter(items.values() if isinstance(items, dict) else items))
