"""What `make` works on: a stack, what its configuration says, and the cluster and Pulumi that it names."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from deploy.cluster import Cluster
from deploy.commands import ROOT
from deploy.configuration import plain_values, require_stack_name, values_as_pulumi_reads
from deploy.environment import deployment_environment, ensure_tools
from deploy.pulumi.stack import PulumiStack
from infra.config import Cluster as ClusterConfig
from infra.config import StackConfig, StackValues, cluster_from_values, config_from_stack_values, file_name


class Target:
    """A stack, of which each thing is found out once, and when it is asked for.

    A plain file says by itself what it says; all else, and what counts once Pulumi is there, is as Pulumi reads it.

    Args:
        stack: the stack's name.
        file: its configuration, if it is another than the repository's `Pulumi.<stack>.yaml`.

    Raises:
        DeployError: it is no stack's name.
        ConfigError: the file, or the group `cluster` in it, is missing or has faults; all of them are named.
    """

    def __init__(self, stack: str, *, file: Path | None = None) -> None:
        require_stack_name(stack)
        self.stack = stack
        self._file = file or ROOT / file_name(stack)
        self._plain = plain_values(self._file)
        if self._plain is not None:
            _ = self._cluster_config
        self._tools: dict[str, str] | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether the stack's cluster is the embedded one, ours to start and to remove."""
        return self._cluster_config.local_name is not None

    @property
    def namespace(self) -> str:
        """The stack's own."""
        return self._cluster_config.namespace

    @property
    def config(self) -> StackConfig:
        """The whole configuration, checked; only what deploys needs it."""
        return self._plain_config if self._plain is not None and self._tools is None else self._config

    @cached_property
    def values(self) -> StackValues:
        """The configuration's values as Pulumi reads them, with what is secret of them."""
        if self._plain is None and self._tools is None:
            self.ensure_pulumi()
        return values_as_pulumi_reads(self._stack)

    @cached_property
    def pulumi(self) -> PulumiStack:
        """The stack as Pulumi knows it."""
        self.cluster.lend()  # Pulumi reads the kubeconfig by itself
        return self._stack

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster that the stack's configuration names."""
        return Cluster(config=self._cluster_config, environment=self.environment)

    @cached_property
    def environment(self) -> dict[str, str]:
        """What this stack's programs run in."""
        return deployment_environment(self._tools)

    def ensure_tools(self, *, first: Sequence[str] = ()) -> None:
        """Install and build what this machine lacks of all that the stack's commands run.

        Args:
            first: a command that must succeed before that, if there is anything to do.
        """
        self._tools = ensure_tools(embedded=self.is_embedded, first=first)

    def ensure_pulumi(self) -> None:
        """Install and build what this machine lacks of Pulumi, which wants no cluster."""
        self._tools = ensure_tools(embedded=False)

    @cached_property
    def _cluster_config(self) -> ClusterConfig:
        return cluster_from_values(self.values if self._plain is None else self._plain)

    @cached_property
    def _plain_config(self) -> StackConfig:
        """What a plain file says by itself: all that is known before Pulumi is there."""
        return config_from_stack_values(self.values if self._plain is None else self._plain)

    @cached_property
    def _config(self) -> StackConfig:
        said_by_itself = self._plain is not None and self._plain.values == self.values.values
        return self._plain_config if said_by_itself else config_from_stack_values(self.values)

    @cached_property
    def _stack(self) -> PulumiStack:
        return PulumiStack(name=self.stack, config_file=self._file, environment=self.environment)
