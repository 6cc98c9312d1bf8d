"""What `make` does to a stack, step by step."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from deploy.cluster import Cluster
from deploy.commands import ROOT, run
from deploy.diagnosis import reasons
from deploy.environment import deployment_environment, state_folder
from deploy.errors import CommandFailedError, DeployError
from deploy.images import build_images
from deploy.lock import stack_lock
from deploy.pulumi_stack import PulumiStack
from deploy.smoke import TRITON_PODS, prove
from deploy.sources import stage_source
from deploy.whereabouts import Whereabouts
from infra.config import StackConfig, config_from_yaml
from infra.images import LOCAL_REGISTRY, is_own, reference


class Deployment:
    """A stack with everything that its commands need.

    Args:
        stack: the stack's name; `Pulumi.<stack>.yaml` is its configuration.
        with_tools: install and build first what the machine lacks for it.

    Raises:
        ConfigError: the configuration is missing or has faults; all of them are named.
    """

    def __init__(self, stack: str, *, with_tools: bool = False) -> None:
        self.config: StackConfig = config_from_yaml(ROOT / f"Pulumi.{stack}.yaml")
        if with_tools:
            ensure_tools(embedded=self.is_embedded)
        self.environment = deployment_environment()
        self.pulumi = PulumiStack(name=stack, environment=self.environment)
        self.whereabouts = Whereabouts(folder=state_folder(self.environment))
        self.cluster = Cluster(config=self.config.cluster, environment=self.environment)

    @property
    def is_embedded(self) -> bool:
        """Whether the stack's cluster is the embedded one, ours to start and to remove."""
        return self.config.cluster.local_name is not None

    def up(self) -> None:
        """Source to verdict: whatever is missing is made, and the answer through the URL is proven."""
        with stack_lock(state_folder(self.environment), self.pulumi.name):
            if self.is_embedded:
                self._prepare_embedded()
            self.cluster.await_answer()
            stage_source(self.config)
            self._deploy()
            prove(self.config, self.pulumi.outputs(), self.cluster)

    def preview(self) -> None:
        """Show what `up` would change."""
        self.pulumi.preview()

    def destroy(self) -> None:
        """Remove the stack's resources; the cluster stays."""
        with stack_lock(state_folder(self.environment), self.pulumi.name):
            self.cluster.await_answer()
            self.pulumi.destroy()

    def down(self) -> None:
        """Remove the embedded cluster with everything on it, and the states of the stacks that lived there."""
        if not self.is_embedded:
            raise DeployError(
                f"cluster.context {self.config.cluster.context!r} is your own cluster and stays; "
                f"remove the stack from it: make destroy STACK={self.pulumi.name}"
            )
        with stack_lock(state_folder(self.environment), self.pulumi.name):
            self.cluster.remove()
            for stack in self.whereabouts.stacks_on(self.config.cluster.context):
                PulumiStack(name=stack, environment=self.environment).forget()
                self.whereabouts.forget(stack)

    def status(self) -> None:
        """Print the cluster's components and the stack's pods."""
        if self.is_embedded:
            self.cluster.status()
        outputs = self.pulumi.outputs()
        print(f"\nstack {self.pulumi.name}: {outputs['url']}  model {outputs['modelName']}  plan {outputs['planId']}")  # noqa: T201
        run(
            self.cluster.kubectl_command("get", "pods", f"--namespace={outputs['namespace']}"),
            self.environment,
        )

    def url(self) -> str:
        """Return the stack's URL."""
        return str(self.pulumi.outputs()["url"])

    def logs(self) -> None:
        """Print what the stack's Triton pods have logged."""
        outputs = self.pulumi.outputs()
        run(
            self.cluster.kubectl_command(
                "logs",
                f"--namespace={outputs['namespace']}",
                f"--selector={TRITON_PODS}",
                "--all-containers",
                "--prefix",
                "--tail=-1",
            ),
            self.environment,
        )

    def _prepare_embedded(self) -> None:
        """Bring up the cluster and, beside it, build the images that the stack names; then load them."""
        with ThreadPoolExecutor() as pool:
            images = pool.submit(build_images, self._loaded_images())
            self.cluster.start()
            archives = images.result()
        for image, archive in archives.items():
            self.cluster.load(archive, reference(image, LOCAL_REGISTRY))

    def _loaded_images(self) -> list[str]:
        """The project's own images that the stack names; with a registry in the configuration they are pulled."""
        if self.config.cluster.registry != LOCAL_REGISTRY:
            return []
        return [image for image in (self.config.serving.image, self.config.model.build_image) if is_own(image)]

    def _deploy(self) -> None:
        self._refresh_on_another_cluster()
        try:
            self.pulumi.up()
        except CommandFailedError as error:
            why = reasons(self.cluster.pods(self.config.cluster.namespace))
            raise DeployError("\n".join([*why, f"stack {self.pulumi.name} was not deployed: {error}"])) from error

    def _refresh_on_another_cluster(self) -> None:
        """Tell Pulumi where the cluster behind the context is not the one that the stack was deployed to."""
        stack, identity = self.pulumi.name, self.cluster.identity()
        if self.whereabouts.moved(stack, identity):
            self.pulumi.refresh()
        self.whereabouts.note(stack, context=self.config.cluster.context, identity=identity)


def ensure_tools(*, embedded: bool) -> None:
    """Install and build what this machine lacks: all that the embedded cluster needs, or Pulumi alone.

    Raises:
        CommandFailedError: something could not be installed or built.
    """
    if embedded:
        run([sys.executable, "-m", "tools", "debian"], os.environ)
    run([sys.executable, "-m", "tools", "build", *([] if embedded else ["--only", "pulumi"])], os.environ)
