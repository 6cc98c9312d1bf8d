"""The stack's configuration inside a running Pulumi program."""

from __future__ import annotations

import json
import os

import pulumi

from infra.config.layers import file_name, value_from_text, values_in_layers
from infra.config.stack import StackConfig, config_from_stack_values
from infra.images import REPOSITORY


def config_from_pulumi() -> StackConfig:
    """Read the configuration of the stack that is being deployed.

    Raises:
        ConfigError: names every fault.
    """
    values = {key: value_from_text(value) for key, value in pulumi.runtime.get_config_env().items()}
    secret_keys = json.loads(os.environ.get("PULUMI_CONFIG_SECRET_KEYS", "[]"))
    path = REPOSITORY / file_name(pulumi.get_stack())
    return config_from_stack_values(values_in_layers(values, path, secret_keys=secret_keys))
