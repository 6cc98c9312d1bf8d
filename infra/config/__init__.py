"""The configuration of a stack: what may be said, and what is wrong with what was said."""

from infra.config.documents import document_from_file
from infra.config.expectations import FetchedPicture
from infra.config.faults import PROJECT, discreet
from infra.config.groups import Cluster, Gate
from infra.config.inputs import ExpectedPicture, ModelInputs
from infra.config.layers import (
    StackValues,
    clients_of,
    file_name,
    is_plain,
    laid_over,
    secret_places,
    short_name,
    value_at_key,
    value_from_text,
    values_in_layers,
    with_value_at_key,
)
from infra.config.node_pools import KarpenterNodePool, NodePool
from infra.config.secrets import CLIENTS, HIDDEN, hidden, is_sealed, keep_secret, parts_of
from infra.config.sources import OnnxSource, PackageSource
from infra.config.stack import (
    StackConfig,
    cluster_from_values,
    cluster_from_yaml,
    config_from_stack_values,
    config_from_values,
    config_from_yaml,
    stack_values_from_yaml,
)
from infra.config.storages import HostPathStorage
from infra.images import REPOSITORY

__all__ = [
    "CLIENTS",
    "HIDDEN",
    "PROJECT",
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
    "StackValues",
    "clients_of",
    "cluster_from_values",
    "cluster_from_yaml",
    "config_from_stack_values",
    "config_from_values",
    "config_from_yaml",
    "discreet",
    "document_from_file",
    "file_name",
    "hidden",
    "is_plain",
    "is_sealed",
    "keep_secret",
    "laid_over",
    "parts_of",
    "secret_places",
    "short_name",
    "stack_values_from_yaml",
    "value_at_key",
    "value_from_text",
    "values_in_layers",
    "with_value_at_key",
]
