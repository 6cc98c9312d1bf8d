"""The configuration of a stack: what may be said, and what is wrong with what was said."""

from infra.config.expectations import FetchedPicture
from infra.config.groups import Cluster, Gate
from infra.config.inputs import ExpectedPicture, ModelInputs
from infra.config.node_pools import KarpenterNodePool, NodePool
from infra.config.sources import OnnxSource, PackageSource
from infra.config.stack import StackConfig, cluster_from_yaml, config_from_values, config_from_yaml
from infra.config.storages import HostPathStorage
from infra.images import REPOSITORY

__all__ = [
    "REPOSITORY",
    "Cluster",
    "ExpectedPicture",
    "FetchedPicture",
    "Gate",
    "HostPathStorage",
    "KarpenterNodePool",
    "ModelInputs",
    "NodePool",
    "OnnxSource",
    "PackageSource",
    "StackConfig",
    "cluster_from_yaml",
    "config_from_values",
    "config_from_yaml",
]
