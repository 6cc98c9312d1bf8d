"""What `make` does to a stack, step by step."""

import os
import sys
from contextlib import AbstractContextManager
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
from deploy.smoke import TRITON, TRITON_PODS, prove
from deploy.sources import stage_source
from deploy.whereabouts import Whereabouts
from infra.config import StackConfig, cluster_from_yaml, config_from_yaml
from infra.images import LOCAL_REGISTRY, is_own, reference
from tools.privileges import as_root, may_be_root


class Deployment:
    """A stack with everything that its commands need.

    Args:
        stack: the stack's name.
        file: its configuration, if it is another than the repository's `Pulumi.<stack>.yaml`.

    Raises:
        ConfigError: the file, or the group `cluster` in it, is missing or has faults; all of them are named.
    """

    def __init__(self, stack: str, *, file: Path | None = None) -> None:
        self.stack = stack
        self._file = file or ROOT / f"Pulumi.{stack}.yaml"
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
        self.cluster.lend()  # Pulumi reads the kubeconfig by itself
        return PulumiStack(name=self.stack, config_file=self._file, environment=self._environment)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster that the stack's configuration names."""
        return Cluster(config=self._cluster_config, environment=self._environment)

    def up(self, *, patience_s: float = 0) -> None:
        """Source to verdict: whatever is missing is made, and the answer through the URL is proven.

        Args:
            patience_s: how long another run is waited for.
        """
        self.check()
        with self.exclusive(patience_s=patience_s):
            self.make_ready()
            self.settle()
            self.apply()
            self.prove()

    def check(self) -> None:
        """Check the configuration and this machine, and install what it lacks."""
        _ = self.config
        self._require_root()
        ensure_tools(embedded=self.is_embedded)

    def exclusive(self, *, patience_s: float = 0) -> AbstractContextManager[None]:
        """Keep other runs away from the embedded cluster with all its stacks, or from a stack elsewhere.

        Args:
            patience_s: how long another run is waited for.
        """
        what = f"cluster {self._cluster_config.context}" if self.is_embedded else f"stack {self.stack}"
        return exclusive_run(self._state, what, patience_s=patience_s)

    def make_ready(self) -> None:
        """Bring up what the stack stands on, and look whether its pods will find nodes and the source."""
        if self.is_embedded:
            self._prepare_embedded()
        self.cluster.await_answer()
        require_nodes(self.config, self.cluster)
        with as_root():
            stage_source(self.config)

    def settle(self) -> None:
        """Make the stack fit to work on: its namespace its own, its state that of this cluster and of no dead run."""
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
        self.pulumi.settle()

    def apply(self, *, plan: Path | None = None, policy_pack: Path | None = None) -> None:
        """Run `pulumi up` until every pod is of the new release; a failure ends with the pods' own reasons.

        Args:
            plan: what a preview has saved, and what exactly is to be done.
            policy_pack: the rules that every resource is held to.
        """
        try:
            self.pulumi.up(plan=plan, policy_pack=policy_pack)
            self._await_rollout()
        except CommandFailedError as error:
            why = self._reasons()
            raise DeployError("\n".join([*why, f"stack {self.stack} was not deployed: {error}"])) from error

    def prove(self, *, junit: Path | None = None) -> None:
        """Run the smoke tests against the URL and every replica.

        Args:
            junit: the file that their report goes to, if it is wanted.
        """
        prove(self.config, self.pulumi.outputs(), self.cluster, junit=junit)

    def preview(self) -> None:
        """Show what `up` would change."""
        ensure_tools(embedded=self.is_embedded)
        self.pulumi.preview()

    def destroy(self) -> None:
        """Remove the stack's resources; the cluster stays."""
        with self.exclusive():
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
        with self.exclusive():
            self.cluster.remove()
            for stack in {self.stack, *self._whereabouts.stacks_on(context)}:
                file = self._file.with_name(f"Pulumi.{stack}.yaml")
                PulumiStack(name=stack, config_file=file, environment=self._environment).forget()
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
        images, serving = self._own_images, self._serving_image(registry)
        with as_root():
            push_images(images, registry, serving=serving)

    def logs(self) -> None:
        """Print what the stack's Triton pods have logged."""
        namespace = self.pulumi.outputs()["namespace"]
        selection = (f"--namespace={namespace}", f"--selector={TRITON_PODS}", "--all-containers", "--prefix")
        self._kubectl("logs", *selection, "--tail=-1")

    @cached_property
    def _environment(self) -> dict[str, str]:
        return deployment_environment()

    @cached_property
    def _state(self) -> Path:
        return state_folder(os.environ)

    @property
    def environment(self) -> dict[str, str]:
        """What this stack's programs run in."""
        return self._environment

    @property
    def _whereabouts(self) -> Whereabouts:
        return Whereabouts(folder=self._state)

    def _require_root(self) -> None:
        """Refuse before anything is built what would fail after it: only root can start the embedded cluster."""
        if self.is_embedded and not may_be_root():
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
            images, serving = self._own_images, self._serving_image(LOCAL_REGISTRY)
            with as_root():
                archives = build_images(images, serving=serving)
            for image, archive in archives.items():
                self.cluster.load(archive, reference(image, LOCAL_REGISTRY, serving=serving))

    @property
    def _own_images(self) -> list[str]:
        """Those of the project's images that the stack names."""
        return [image for image in (self.config.serving.image, self.config.model.builder) if is_own(image)]

    def _serving_image(self, registry: str) -> str:
        return reference(self.config.serving.image, registry)

    def _await_rollout(self) -> None:
        """Wait for the pods by Kubernetes' own word.

        Pulumi's Kubernetes provider may take an update for finished at once: the first thing that it sees can be the
        Deployment as it was before, all of whose pods are available.
        """
        timeout_s = self.config.timeouts.pulumi_rollout_s
        namespace = f"--namespace={self._cluster_config.namespace}"
        self.cluster.kubectl(
            "rollout", "status", TRITON, namespace, f"--timeout={timeout_s}s", timeout_s=timeout_s + 10
        )

    def _reasons(self) -> list[str]:
        """Why the stack's pods do not serve, where the cluster can still say so."""
        try:
            return reasons(self.cluster.pods(self._cluster_config.namespace))
        except CommandFailedError as error:
            return [f"the pods could not be asked: {error}"]


def ensure_tools(*, embedded: bool) -> None:
    """Install and build what this machine lacks: all that the embedded cluster needs, or Pulumi and kubectl.

    Raises:
        StepFailedError: something could not be installed or built.
    """
    if embedded:
        with as_root():
            run([sys.executable, "-m", "tools", "debian"], os.environ)
    purposes = ("pulumi", "cluster") if embedded else ("pulumi",)
    run([sys.executable, "-m", "tools", "build", "--only", *purposes], os.environ)
