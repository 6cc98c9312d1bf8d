"""What `make` does to a stack, step by step."""

import os
import sys
from functools import cached_property
from pathlib import Path

from deploy.cluster import Cluster
from deploy.commands import ROOT, run
from deploy.diagnosis import reasons
from deploy.environment import deployment_environment, state_folder
from deploy.errors import CommandFailedError, DeployError
from deploy.images import build_images, push_images
from deploy.lock import exclusive_run
from deploy.nodes import require_nodes
from deploy.pulumi_stack import PulumiStack
from deploy.smoke import TRITON_PODS, prove
from deploy.sources import stage_source
from deploy.whereabouts import Whereabouts
from infra.config import StackConfig, cluster_from_yaml, config_from_yaml
from infra.images import LOCAL_REGISTRY, is_own, reference


class Deployment:
    """A stack with everything that its commands need.

    Args:
        stack: the stack's name; `Pulumi.<stack>.yaml` is its configuration.

    Raises:
        ConfigError: the file, or the group `cluster` in it, is missing or has faults; all of them are named.
    """

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self._cluster_config = cluster_from_yaml(self._file)

    @property
    def is_embedded(self) -> bool:
        """Whether the stack's cluster is the embedded one, ours to start and to remove."""
        return self._cluster_config.local_name is not None

    @cached_property
    def config(self) -> StackConfig:
        """The whole configuration, checked; only what deploys needs it."""
        return config_from_yaml(self._file)

    @cached_property
    def pulumi(self) -> PulumiStack:
        """The stack as Pulumi knows it."""
        return PulumiStack(name=self.stack, environment=self._environment)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster that the stack's configuration names."""
        return Cluster(config=self._cluster_config, environment=self._environment)

    def up(self) -> None:
        """Source to verdict: whatever is missing is made, and the answer through the URL is proven."""
        config = self.config
        self._require_root()
        ensure_tools(embedded=self.is_embedded)
        with exclusive_run(self._state, self._locked):
            if self.is_embedded:
                self._prepare_embedded()
            self.cluster.await_answer()
            require_nodes(config, self.cluster)
            stage_source(config)
            self._deploy()
            prove(config, self.pulumi.outputs(), self.cluster)

    def preview(self) -> None:
        """Show what `up` would change."""
        ensure_tools(embedded=self.is_embedded)
        self.pulumi.preview()

    def destroy(self) -> None:
        """Remove the stack's resources; the cluster stays."""
        with exclusive_run(self._state, self._locked):
            self.cluster.await_answer()
            self.pulumi.destroy()
            self._whereabouts.forget(self.stack)

    def down(self) -> None:
        """Remove the embedded cluster with everything on it, and the states of the stacks that lived there."""
        context = self._cluster_config.context
        if not self.is_embedded:
            raise DeployError(
                f"cluster.context {context!r} is your own cluster and stays; "
                f"remove the stack from it: make destroy STACK={self.stack}"
            )
        with exclusive_run(self._state, self._locked):
            self.cluster.remove()
            for stack in {self.stack, *self._whereabouts.stacks_on(context)}:
                PulumiStack(name=stack, environment=self._environment).forget()
                self._whereabouts.forget(stack)

    def status(self) -> None:
        """Print the cluster's components and the stack's pods."""
        if self.is_embedded:
            self.cluster.status()
        outputs = self.pulumi.outputs()
        print(f"\nstack {self.stack}: {outputs['url']}  model {outputs['modelName']}  plan {outputs['planId']}")  # noqa: T201 - what is asked for
        self._kubectl("get", "pods", f"--namespace={outputs['namespace']}")

    def push_images(self, registry: str) -> None:
        """Build those of the project's images that the stack names, and push them."""
        push_images(self._own_images, registry, serving=self._serving_image(registry))

    def logs(self) -> None:
        """Print what the stack's Triton pods have logged."""
        namespace = self.pulumi.outputs()["namespace"]
        selection = (f"--namespace={namespace}", f"--selector={TRITON_PODS}", "--all-containers", "--prefix")
        self._kubectl("logs", *selection, "--tail=-1")

    @property
    def _file(self) -> Path:
        return ROOT / f"Pulumi.{self.stack}.yaml"

    @cached_property
    def _environment(self) -> dict[str, str]:
        return deployment_environment()

    @cached_property
    def _state(self) -> Path:
        return state_folder(os.environ)

    @property
    def _whereabouts(self) -> Whereabouts:
        return Whereabouts(folder=self._state)

    @property
    def _locked(self) -> str:
        """What one run at a time may work on: an embedded cluster with all its stacks, or a stack elsewhere."""
        return f"cluster {self._cluster_config.context}" if self.is_embedded else f"stack {self.stack}"

    def _require_root(self) -> None:
        """Refuse before anything is built what would fail after it: only root can start the embedded cluster."""
        if self.is_embedded and os.geteuid() != 0:
            raise DeployError(
                f"cluster.context {self._cluster_config.context!r} is the embedded cluster, which needs root; "
                f"accepted without: a context of your own cluster; or as root: sudo make up STACK={self.stack}"
            )

    def _kubectl(self, *arguments: str) -> None:
        run(self.cluster.kubectl_command(*arguments), self._environment)

    def _prepare_embedded(self) -> None:
        """Bring up the cluster, and load the project's own images that the stack names.

        With a registry in the configuration the images are pulled from there.
        """
        self.cluster.start()
        if self._cluster_config.registry == LOCAL_REGISTRY:
            serving = self._serving_image(LOCAL_REGISTRY)
            for image, archive in build_images(self._own_images, serving=serving).items():
                self.cluster.load(archive, reference(image, LOCAL_REGISTRY, serving=serving))

    @property
    def _own_images(self) -> list[str]:
        """Those of the project's images that the stack names."""
        return [image for image in (self.config.serving.image, self.config.model.builder) if is_own(image)]

    def _serving_image(self, registry: str) -> str:
        return reference(self.config.serving.image, registry)

    def _deploy(self) -> None:
        """Run `pulumi up` where the stack belongs; its failure ends with the pods' own reasons."""
        namespace = self._cluster_config.namespace
        identity = self.cluster.identity()
        others = {*self._whereabouts.stacks_in(namespace, identity=identity)} - {self.stack}
        if others:
            raise DeployError(
                f"cluster.namespace {namespace!r} belongs to stack {others.pop()}; "
                f"accepted: a namespace of its own; set another in {self._file.name}"
            )
        if self._whereabouts.identity(self.stack) != identity and self.pulumi.exists():
            self.pulumi.refresh()
        self._whereabouts.note(self.stack, context=self._cluster_config.context, identity=identity, namespace=namespace)
        try:
            self.pulumi.up()
        except CommandFailedError as error:
            why = reasons(self.cluster.pods(namespace))
            raise DeployError("\n".join([*why, f"stack {self.stack} was not deployed: {error}"])) from error


def ensure_tools(*, embedded: bool) -> None:
    """Install and build what this machine lacks: all that the embedded cluster needs, or Pulumi and kubectl.

    Raises:
        StepFailedError: something could not be installed or built.
    """
    if embedded:
        run([sys.executable, "-m", "tools", "debian"], os.environ)
    purposes = ("pulumi", "cluster") if embedded else ("pulumi",)
    run([sys.executable, "-m", "tools", "build", "--only", *purposes], os.environ)
