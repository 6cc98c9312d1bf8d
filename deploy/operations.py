"""What `make` does to a stack, step by step."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.address import outputs_of_today
from deploy.before.certificates import require_certificate
from deploy.before.gateways import require_gateway
from deploy.before.nodes import require_nodes
from deploy.before.ownership import Tenancy
from deploy.before.server_version import require_server_version
from deploy.before.storage import remains, require_same_claim, require_storage
from deploy.commands import run
from deploy.embedded import machine_check, prepare_embedded
from deploy.enforcement import try_during
from deploy.environment import state_folder
from deploy.errors import DeployError
from deploy.images.pushing import push_own_images
from deploy.lease import VARIABLE, Lease, held_lease
from deploy.lock import exclusive_run
from deploy.pulumi.builds import end_unknown_build
from deploy.pulumi.drift import put_back
from deploy.pulumi.stack import PulumiStack
from deploy.pulumi.update import apply_update
from deploy.smoke import TRITON_PODS, prove
from deploy.sources import stage_source
from deploy.target import Target
from deploy.whereabouts import Whereabouts
from infra.config import file_name, short_name
from tools.privileges import as_root


class Deployment(Target):
    """What is done to a stack: a method for each step of `make up`, and for each of the other commands."""

    def up(self, *, patience_s: float = 0) -> None:
        """Source to verdict: whatever is missing is made, and the answer through the URL is proven.

        Args:
            patience_s: how long another run is waited for.
        """
        self.check()
        with self.exclusive(patience_s=patience_s):
            self.make_ready()
            with self.held("make-up", patience_s=patience_s):
                self.settle()
                self.apply()
                try_during(self.prove, self.config, self.cluster)

    def check(self) -> None:
        """Check the configuration and, before anything is installed or built, whether this machine is fit for it."""
        _ = self.config  # of a plain file, so that a typo is said before minutes of building
        name = self._cluster_config.local_name
        self.ensure_tools(first=() if name is None else machine_check(name))
        _ = self.config

    def exclusive(self, *, patience_s: float = 0) -> AbstractContextManager[None]:
        """Keep other runs away from the embedded cluster with all its stacks, or from a stack elsewhere.

        Args:
            patience_s: how long another run is waited for.
        """
        what = f"cluster {self._cluster_config.context}" if self.is_embedded else f"stack {short_name(self.stack)}"
        return exclusive_run(self._state, what, patience_s=patience_s)

    def held(self, run: str, *, patience_s: float = 0) -> AbstractContextManager[Lease | None]:
        """Keep every other run away from the stack, whichever machine it is on; within a gate's lease that is done.

        Args:
            run: what works on it, in one word.
            patience_s: how long another run is waited for.
        """
        if os.environ.get(VARIABLE):
            return nullcontext()
        return held_lease(self.cluster, run, wait_s=patience_s, say=lambda line: print(line, file=sys.stderr))  # noqa: T201 - progress

    def make_ready(self) -> None:
        """Bring up what the stack stands on, and look whether nodes, storage, the way in and the source will do."""
        if self.is_embedded:
            prepare_embedded(self.config, self.cluster)
        require_server_version(self.cluster.await_answer())
        for line in require_nodes(self.config, self.cluster):
            print(line, file=sys.stderr)  # noqa: T201 - progress
        require_gateway(self.config, self.cluster)
        require_certificate(self.config, self.cluster)
        require_storage(self.config, self.cluster)
        with as_root():
            stage_source(self.config)

    def settle(self) -> None:
        """Make the stack fit to work on: its namespace its own, its state that of this cluster and of no dead run."""
        state = self._state_of_this_cluster(Tenancy.require_own)
        self._whereabouts.note(self.stack, context=self._cluster_config.context)
        settled = self.pulumi.settle(state)
        require_same_claim(self.config, settled)
        put_back(settled, self.cluster, self.pulumi.look_again, stack=self.stack)
        end_unknown_build(self.config, settled, self.cluster)

    def apply(self, *, plan: Path | None = None, policy_pack: Path | None = None) -> None:
        """Run `pulumi up` until every pod is of the new release; a failure ends with Kubernetes' own reasons.

        Args:
            plan: what a preview has saved, and what exactly is to be done.
            policy_pack: the rules that every resource is held to.
        """
        apply_update(self.config, self.pulumi, self.cluster, plan=plan, policy_pack=policy_pack)

    def prove(self, *, junit: Path | None = None) -> None:
        """Run the smoke tests against the URL and every replica.

        Args:
            junit: the file that their report goes to, if it is wanted.
        """
        prove(self.config, self.outputs(), self.cluster, stack=self.stack, junit=junit)

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, with the URL and the authority of today.

        Raises:
            DeployError: it is not deployed.
        """
        return outputs_of_today(self.pulumi.outputs(), self.config.endpoint, self.cluster)

    def preview(self) -> None:
        """Show what `up` would change; that wants no cluster."""
        self.ensure_pulumi()
        self.pulumi.preview()

    def destroy(self) -> None:
        """Remove the stack's resources but what leads to data; that is named. The cluster stays."""
        with self.exclusive():
            self.cluster.await_answer()
            with self.held("make-destroy"):
                state = self._state_of_this_cluster(Tenancy.require_removable)
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
                file = self._file.with_name(file_name(stack))
                PulumiStack(name=stack, config_file=file, environment=self.environment).forget()
                self._whereabouts.forget(stack)

    def status(self) -> None:
        """Print the cluster's components and the stack's pods."""
        if self.is_embedded:
            self.cluster.status()
        outputs = self.outputs()
        print(f"\nstack {self.stack}: {outputs['url']}  model {outputs['modelName']}  plan {outputs['planId']}")  # noqa: T201 - what is asked for
        self._kubectl("get", "pods", f"--namespace={outputs['namespace']}")

    def push_images(self, registry: str) -> None:
        """Build what the stack needs of the project's images, and push it; without a registry to the stack's own."""
        push_own_images(self.config, registry)

    def logs(self) -> None:
        """Print what the stack's Triton pods have logged."""
        namespace = self.pulumi.outputs()["namespace"]
        selection = (f"--namespace={namespace}", f"--selector={TRITON_PODS}", "--all-containers", "--prefix")
        self._kubectl("logs", *selection, "--tail=-1")

    @cached_property
    def _state(self) -> Path:
        return state_folder(os.environ)

    def _state_of_this_cluster(self, require: Callable[[Tenancy], bool]) -> dict[str, Any] | None:
        """Pulumi's state of the stack, able to reach the cluster, and refreshed where it speaks of another namespace.

        Args:
            require: sees that the namespace is the stack's, and says whether the state speaks of it.
        """
        state = self.pulumi.state()
        tenancy = Tenancy(stack=short_name(self.stack), file=self._file.name, cluster=self.cluster, state=state)
        is_true = require(tenancy)
        if state is not None:
            state = self.pulumi.with_access(state, self._cluster_config)
        if is_true:
            return state
        self.pulumi.refresh()
        return self.pulumi.state()

    @property
    def _whereabouts(self) -> Whereabouts:
        return Whereabouts(folder=self._state)

    def _kubectl(self, *arguments: str) -> None:
        run(self.cluster.kubectl_command(*arguments), self.environment)
