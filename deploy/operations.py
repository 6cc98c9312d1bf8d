"""What `make` does to a stack, step by step."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.cluster import Cluster
from deploy.commands import ROOT, run
from deploy.diagnosis import reasons
from deploy.environment import deployment_environment, ensure_tools, state_folder
from deploy.errors import CommandFailedError, DeployError
from deploy.images import are_built, build_images, push_images
from deploy.lock import exclusive_run
from deploy.nodes import require_nodes
from deploy.ownership import Tenancy
from deploy.pulumi_stack import PulumiStack
from deploy.smoke import TRITON, TRITON_PODS, prove
from deploy.sources import stage_source
from deploy.storage import remains, require_same_claim, require_storage
from deploy.whereabouts import Whereabouts
from infra.config import StackConfig, cluster_from_yaml, config_from_yaml
from infra.images import LOCAL_REGISTRY, is_own, reference
from tools.privileges import as_root


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
        self._tools: dict[str, str] | None = None

    @property
    def is_embedded(self) -> bool:
        """Whether the stack's cluster is the embedded one, ours to start and to remove."""
        return self._cluster_config.local_name is not None

    @property
    def namespace(self) -> str:
        """The stack's own."""
        return self._cluster_config.namespace

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
        """Check the configuration and, before anything is installed or built, whether this machine is fit for it."""
        _ = self.config
        name = self._cluster_config.local_name
        self.ensure_tools(first=() if name is None else machine_check(name))

    def ensure_tools(self, *, first: Sequence[str] = ()) -> None:
        """Install and build what this machine lacks of all that the stack's commands run.

        Args:
            first: a command that must succeed before that, if there is anything to do.
        """
        self._tools = ensure_tools(embedded=self.is_embedded, first=first)

    def exclusive(self, *, patience_s: float = 0) -> AbstractContextManager[None]:
        """Keep other runs away from the embedded cluster with all its stacks, or from a stack elsewhere.

        Args:
            patience_s: how long another run is waited for.
        """
        what = f"cluster {self._cluster_config.context}" if self.is_embedded else f"stack {self.stack}"
        return exclusive_run(self._state, what, patience_s=patience_s)

    def make_ready(self) -> None:
        """Bring up what the stack stands on, and look whether its pods will find nodes, storage and the source."""
        if self.is_embedded:
            self._prepare_embedded()
        self.cluster.await_answer()
        require_nodes(self.config, self.cluster)
        require_storage(self.config, self.cluster)
        with as_root():
            stage_source(self.config)

    def settle(self) -> None:
        """Make the stack fit to work on: its namespace its own, its state that of this cluster and of no dead run."""
        state = self.pulumi.state()
        is_true = self._tenancy(state).require_own()
        require_same_claim(self.config, state)
        if not is_true:
            self.pulumi.refresh()
        self._whereabouts.note(self.stack, context=self._cluster_config.context)
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
        """Show what `up` would change; that wants no cluster."""
        self._tools = ensure_tools(embedded=False)
        self.pulumi.preview()

    def destroy(self) -> None:
        """Remove the stack's resources but what leads to data; that is named. The cluster stays."""
        with self.exclusive():
            self.cluster.await_answer()
            state = self.pulumi.state()
            if not self._tenancy(state).require_removable():
                self.pulumi.refresh()
                state = self.pulumi.state()
            left = remains(state, self.namespace, self.cluster)
            self.pulumi.destroy(keep=left.urns)
            if not left.urns:
                self._whereabouts.forget(self.stack)
            for line in left.lines(context=self._cluster_config.context):
                print(line)  # noqa: T201 - what the user has to know

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
        return deployment_environment(self._tools)

    @cached_property
    def _state(self) -> Path:
        return state_folder(os.environ)

    @property
    def environment(self) -> dict[str, str]:
        """What this stack's programs run in."""
        return self._environment

    def _tenancy(self, state: Mapping[str, Any] | None) -> Tenancy:
        return Tenancy(stack=self.stack, file=self._file.name, cluster=self.cluster, state=state)

    @property
    def _whereabouts(self) -> Whereabouts:
        return Whereabouts(folder=self._state)

    def _kubectl(self, *arguments: str) -> None:
        run(self.cluster.kubectl_command(*arguments), self._environment)

    def _prepare_embedded(self) -> None:
        """Bring up the cluster, and load the project's own images that the stack names.

        With a registry in the configuration the images are pulled from there.
        """
        own = self._own_images if self._cluster_config.registry == LOCAL_REGISTRY else []
        serving = self._serving_image(LOCAL_REGISTRY)
        if not are_built(own, serving=serving):
            self.cluster.start()  # what keeps it from starting is said before minutes of building
        with as_root():
            archives = build_images(own, serving=serving)
        self.cluster.start({reference(image, LOCAL_REGISTRY, serving=serving): archives[image] for image in own})

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
        namespace = f"--namespace={self.namespace}"
        self.cluster.kubectl(
            "rollout", "status", TRITON, namespace, f"--timeout={timeout_s}s", timeout_s=timeout_s + 10
        )

    def _reasons(self) -> list[str]:
        """Why the stack's pods do not serve, where the cluster can still say so."""
        try:
            return reasons(self.cluster.pods(self.namespace))
        except CommandFailedError as error:
            return [f"the pods could not be asked: {error}"]


def machine_check(cluster: str) -> list[str]:
    """Return the command by which the embedded cluster says whether this machine carries it; `up` asks that, too.

    Args:
        cluster: its name.
    """
    return [sys.executable, "-m", "local_cluster", "--name", cluster, "check"]
