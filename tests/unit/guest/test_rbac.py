"""The roles of a platform team, as they stand in the documentation."""

import re
from typing import Any

import pytest
import yaml

from bench.workspace import ROOT

TEXT = (ROOT / "docs" / "rbac.yaml").read_text(encoding="utf-8")
OBJECTS: list[dict[str, Any]] = [each for each in yaml.safe_load_all(TEXT) if each]
PART = "densenet-triton/part"
WRITING = {"create", "update", "patch", "delete"}
ROLES = [each for each in OBJECTS if each["kind"] in {"Role", "ClusterRole"}]
BINDINGS = [each for each in OBJECTS if each["kind"].endswith("Binding")]


def part_of(each: dict[str, Any]) -> str:
    return str(each["metadata"]["labels"][PART])


def test_each_part_is_listed_first_and_has_its_label() -> None:
    table = TEXT.partition("# To be substituted")[0]
    _head, *listed = re.findall(r"^#   ([a-z-]+) {2,}\S", table, re.MULTILINE)

    assert listed == list(dict.fromkeys(map(part_of, OBJECTS)))


@pytest.mark.parametrize("binding", BINDINGS, ids=part_of)
def test_a_part_is_bound_to_the_people_and_to_the_pipelines(binding: dict[str, Any]) -> None:
    (role,) = [
        each
        for each in ROLES
        if (each["kind"], each["metadata"]["name"]) == (binding["roleRef"]["kind"], binding["roleRef"]["name"])
    ]

    assert part_of(binding) == part_of(role)
    assert binding["metadata"].get("namespace") == role["metadata"].get("namespace")
    assert [subject["name"] for subject in binding["subjects"]] == ["platform-team", "deployer"]


@pytest.mark.parametrize("role", ROLES, ids=part_of)
def test_nothing_is_granted_by_a_star_but_reading_node_classes(role: dict[str, Any]) -> None:
    for rule in role["rules"]:
        assert "*" not in rule["verbs"]
        assert "*" not in rule["apiGroups"]
        assert "*" not in rule["resources"] or (part_of(role) == "node-pools" and not WRITING & {*rule["verbs"]})


def test_what_is_written_outside_of_a_namespace_is_asked_for_by_a_part_of_its_own() -> None:
    written = {
        part_of(role): resource
        for role in ROLES
        if role["kind"] == "ClusterRole"
        for rule in role["rules"]
        if WRITING & {*rule["verbs"]}
        for resource in rule["resources"]
    }

    assert written == {"volumes": "persistentvolumes", "node-pools": "nodepools"}


def test_each_rule_says_what_needs_it() -> None:
    lines = [line.strip() for line in TEXT.splitlines()]
    first = [number for number, line in enumerate(lines) if line.startswith("- apiGroups:")]

    # rules of one purpose stand below one comment
    assert all(lines[number - 1].startswith("#") or lines[number - 1].startswith("verbs:") for number in first)
    assert all(lines[number - 1].startswith("#") for number in first if lines[number - 1] == "rules:")
