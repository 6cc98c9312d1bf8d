"""What a stack is called on its storage, and that its plan knows nothing of it."""

from __future__ import annotations

from typing import Any

from infra.config import config_from_values
from infra.release import release_from_config, stack_key


def test_no_two_stacks_of_a_storage_have_one_key(dev_values: dict[str, Any]) -> None:
    keys = {stack_key(config_from_values(dev_values, stack=stack)) for stack in ("dev", "staging")}
    for key, value in (("context", "other"), ("namespace", "triton-other")):
        values = dev_values | {"densenet-triton:cluster": dev_values["densenet-triton:cluster"] | {key: value}}
        keys.add(stack_key(config_from_values(values, stack="dev")))
    assert len(keys) == 4
    assert "dev.triton-dev.9289140b" in keys


def test_two_stacks_share_a_plan(dev_values: dict[str, Any]) -> None:
    plans = {release_from_config(config_from_values(dev_values, stack=stack)).plan_id for stack in ("dev", "staging")}
    assert len(plans) == 1
