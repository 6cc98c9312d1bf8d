"""The configuration of a stack: what may be said, and what is wrong with what was said."""

from infra.config.groups import Cluster, HostPathStorage, OnnxSource
from infra.config.inputs import ModelInputs
from infra.config.stack import REPOSITORY, StackConfig, config_from_values, config_from_yaml

__all__ = [
    "REPOSITORY",
    "Cluster",
    "HostPathStorage",
    "ModelInputs",
    "OnnxSource",
    "StackConfig",
    "config_from_values",
    "config_from_yaml",
]
