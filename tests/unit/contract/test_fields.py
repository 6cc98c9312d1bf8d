import math
from typing import Any

import pytest

from contract.fields import Fields, shown

VALUES: dict[str, Any] = {
    "text": "a",
    "count": 3,
    "number": 1.5,
    "whole": 2,
    "counts": [1, 0],
    "numbers": [1, 2.5],
    "texts": {"a": "b"},
    "flag": False,
    "group": {"inner": 1},
    "groups": [{"inner": 1}, {"inner": 2}],
    "null": None,
}


def test_values_are_taken_by_their_kind() -> None:
    fields = Fields(VALUES)
    assert fields.text("text") == "a"
    assert fields.count("count", least=3, most=3) == 3
    assert (fields.number("number"), fields.number("whole")) == (1.5, 2.0)
    assert fields.counts("counts") == (1, 0)
    assert fields.numbers("numbers", length=2) == (1.0, 2.5)
    assert fields.texts("texts") == {"a": "b"}
    assert fields.flag("flag") is False
    assert fields.group("group").count("inner") == 1
    assert [group.count("inner") for group in fields.groups("groups")] == [1, 2]
    assert fields.optional_text("null") is None
    assert fields.optional_group("absent") is None
    assert fields.optional_object("absent") is None
    fields.end()
    assert fields.faults == []


@pytest.mark.parametrize(
    ("getter", "options", "value", "accepted"),
    [
        ("text", {}, 1, "a text"),
        ("text", {}, "", "a text"),
        ("text", {}, None, "a text"),
        ("optional_text", {}, "", "a text, or null"),
        ("count", {}, 1.0, "a whole number, 0 or more"),
        ("count", {}, True, "a whole number, 0 or more"),
        ("count", {"least": 2}, 1, "a whole number, 2 or more"),
        ("count", {"most": 2}, 3, "a whole number, 0 to 2"),
        ("number", {}, math.nan, "a finite number"),
        ("number", {}, math.inf, "a finite number"),
        ("number", {}, "1", "a finite number"),
        ("number", {}, False, "a finite number"),
        ("counts", {}, [-1], "a list of whole numbers, 0 or more"),
        ("counts", {}, [1.0], "a list of whole numbers, 0 or more"),
        ("counts", {}, 1, "a list of whole numbers, 0 or more"),
        ("numbers", {"length": 2}, [1], "a list of 2 finite numbers"),
        ("numbers", {"length": 1}, [math.nan], "a list of 1 finite numbers"),
        ("numbers", {"length": 1}, [None], "a list of 1 finite numbers"),
        ("texts", {}, {"a": 1}, "an object of texts"),
        ("texts", {}, [], "an object of texts"),
        ("flag", {}, 1, "true or false"),
        ("group", {}, [], "an object"),
        ("optional_group", {}, 1, "an object"),
        ("optional_object", {}, 1, "an object"),
        ("groups", {}, [], "a list of one object or more"),
        ("groups", {}, [1], "a list of one object or more"),
        ("groups", {}, {}, "a list of one object or more"),
    ],
)
def test_another_kind_is_a_fault_with_its_path(getter: str, options: Any, value: object, accepted: str) -> None:
    fields = Fields({"key": value}, path="model.")
    getattr(fields, getter)("key", **options)
    fields.end()
    assert fields.faults == [f"model.key is {shown(value)}; accepted: {accepted}"]


@pytest.mark.parametrize("getter", ["number", "numbers"])
def test_a_number_that_no_float_holds_is_a_fault(getter: str) -> None:
    large = 10**400
    fields = Fields({"key": large if getter == "number" else [large]})
    assert getattr(fields, getter)("key", **({"length": 1} if getter == "numbers" else {})) in {0.0, ()}
    assert len(fields.faults) == 1


@pytest.mark.parametrize("getter", ["text", "count", "number", "counts", "texts", "flag", "group", "groups"])
def test_a_missing_key_is_a_fault(getter: str) -> None:
    fields = Fields({})
    getattr(fields, getter)("key")
    assert len(fields.faults) == 1
    assert fields.faults[0].startswith("key is missing; accepted: ")


def test_keys_that_nobody_takes_are_faults_with_their_whole_path() -> None:
    fields = Fields({"a": {"b": [{"c": 1, "colour": 2}], "size": 3}, "extra": 4})
    group = fields.group("a")
    for inner in group.groups("b"):
        inner.count("c")
        inner.end()
    group.end()
    fields.end()
    assert fields.faults == [f"{key} is not a known key" for key in ("a.b.0.colour", "a.size", "extra")]


def test_the_keys_of_a_missing_group_are_not_missed_as_well() -> None:
    fields = Fields({})
    fields.group("a").group("b").text("c")
    assert fields.faults == ["a is missing; accepted: an object"]


def test_a_key_is_taken_once() -> None:
    fields = Fields({"a": 1})
    fields.count("a")
    fields.count("a")
    assert fields.faults == ["a is missing; accepted: a whole number, 0 or more"]


def test_the_object_that_is_read_stays_as_it_is() -> None:
    document = {"a": {"b": 1}}
    Fields(document).group("a").count("b")
    assert document == {"a": {"b": 1}}


def test_a_long_value_is_cut() -> None:
    assert shown("a" * 200) == '"' + "a" * 76 + "..."
    assert shown("line\nline") == '"line\\nline"'
