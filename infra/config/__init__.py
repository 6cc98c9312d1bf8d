"""The configuration of a stack: what may be said, and what is wrong with what was said."""

from infra.config.groups import Cluster, Gate
from infra.config.inputs import ModelInputs
from infra.config.node_pools import KarpenterNodePool, NodePool
from infra.config.sources import OnnxSource
from infra.config.stack import StackConfig, cluster_from_yaml, config_from_values, config_from_yaml
from infra.config.storages import HostPathStorage
from infra.images import REPOSITORY

__all__ = [
    "REPOSITORY",
    "Cluster",
    "Gate",
    "HostPathStorage",
    "KarpenterNodePool",
    "ModelInputs",
    "NodePool",
    "OnnxSource",
    "StackConfig",
    "cluster_from_yaml",
    "config_from_values",
    "config_from_yaml",
]
