"""The stack's configuration inside a running Pulumi program."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from infra.config.stack import StackConfig, config_from_values


def config_from_pulumi() -> StackConfig:
    """Read the configuration of the stack that is being deployed.

    Raises:
        ConfigError: names every fault.
    """
    values = {key: _plain(value) for key, value in pulumi.runtime.get_config_env().items()}
    return config_from_values(values, stack=pulumi.get_stack())


def _plain(value: str) -> Any:
    """Pulumi hands a group over as JSON, and a single value as it is."""
    try:
        return json.loads(value)
    except ValueError:
        return value
