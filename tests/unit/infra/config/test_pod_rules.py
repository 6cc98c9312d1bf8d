"""Limits are never below what is reserved."""

from __future__ import annotations

from typing import Any

import pytest

from infra.config import config_from_values
from infra.errors import ConfigError


def faults(values: dict[str, Any], group: str, resources: dict[str, str]) -> list[str]:
    section, _, key = group.partition(".")
    section = f"densenet-triton:{section}"
    changed = values[section].get(key, {}) | resources
    try:
        config_from_values(values | {section: values[section] | {key: changed}}, stack="x")
    except ConfigError as error:
        return str(error).splitlines()
    return []


@pytest.mark.parametrize("group", ["serving.resources", "model.buildResources"])
@pytest.mark.parametrize(
    ("key", "reserved", "limit"), [("cpu", "1500m", "1"), ("memory", "1Gi", "1G"), ("memory", "1.5Ki", "1535")]
)
def test_a_limit_below_what_is_reserved_is_refused(
    dev_values: dict[str, Any], group: str, key: str, reserved: str, limit: str
) -> None:
    (line,) = faults(dev_values, group, {key: reserved, f"{key}Limit": limit})
    assert line == (
        f"Pulumi.x.yaml: densenet-triton:{group}.{key}Limit is {limit}, and {group}.{key} reserves {reserved}; "
        f"accepted: at least {reserved}; mend: in Pulumi.x.yaml set {group}.{key}Limit: {reserved}"
    )


@pytest.mark.parametrize("resources", [{"cpu": "2", "cpuLimit": "2000m"}, {"memory": "1Gi", "memoryLimit": "1024Mi"}])
def test_a_limit_of_just_so_much_is_accepted(dev_values: dict[str, Any], resources: dict[str, str]) -> None:
    assert faults(dev_values, "serving.resources", resources) == []


@pytest.mark.parametrize("key", ["memory", "memoryLimit"])
def test_a_thousandth_of_a_byte_is_no_memory(dev_values: dict[str, Any], key: str) -> None:
    (line,) = faults(dev_values, "serving.resources", {key: "512m"})
    assert line.startswith(f'Pulumi.x.yaml: densenet-triton:serving.resources.{key} is "512m"; accepted: a Kubernetes')
    assert " quantity in quotes, of bytes, such as '512Mi' or '1Gi'; mend: in Pulumi.x.yaml set" in line
