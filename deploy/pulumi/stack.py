"""One Pulumi stack, driven through the CLI with the user's own backend."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from deploy.commands import ROOT, Started, output_of, run
from deploy.environment import backend_url, state_folder
from deploy.errors import CommandFailedError, DeployError, StackUnknownError
from deploy.pulumi.access import state_with_access
from deploy.pulumi.locks import remove_dead_locks
from deploy.pulumi.state import SERVICE, resource_in
from infra.config import Cluster, file_name, short_name

KEY_LINES = ("encryptionsalt", "encryptedkey", "secretsprovider")
"""The keys of a stack's file that say what its secrets are encrypted with; each has a line of its own."""

_DEPLOYMENT = "kubernetes:apps/v1:Deployment::triton-deployment"
_MOUNTED = (
    "kubernetes:core/v1:ConfigMap::triton-proof",
    "kubernetes:core/v1:PersistentVolumeClaim::storage-claim",
    "kubernetes:core/v1:PersistentVolume::storage-volume",
)
_EVENT_LOG = {"PULUMI_DEBUG_COMMANDS": "1"}  # without which Pulumi knows no --event-log
_NO_DOTS = "--suppress-progress"  # which other lines would land behind


@dataclass(frozen=True, kw_only=True)
class PulumiStack:
    """A stack of this project.

    Pulumi writes its passphrase salt into the configuration file that it is given. It is given a copy, kept in the
    user's state folder and renewed from `Pulumi.<name>.yaml` for each command, so that a checkout stays clean.

    Attributes:
        name: the stack's name, with its organization and project or without.
        config_file: its configuration, `Pulumi.<name>.yaml`.
        environment: what `deployment_environment` returned.
        display: where Pulumi's display goes; without it to standard output.
    """

    name: str
    config_file: Path
    environment: Mapping[str, str]
    display: IO[str] | None = None

    def initialise(self) -> None:
        """Make the stack known to the backend, with the configuration that its file has now."""
        self._renew_config_copy()
        if not self.exists():
            shutil.copyfile(ROOT / "Pulumi.yaml", self._config_copy.with_name("Pulumi.yaml"))
            self._pulumi("stack", "init", self.name, "--no-select", f"--cwd={self._config_copy.parent}")

    def config(self) -> dict[str, Any]:
        """Return what `pulumi config` says: an entry with `value`, as text, and `secret` for each key.

        Raises:
            StackUnknownError: the backend has no such stack.
            CommandFailedError: Pulumi can't read the configuration, and says why.
        """
        self._renew_config_copy()
        file = ("--config-file", str(self._config_copy))
        try:
            found: dict[str, Any] = json.loads(
                self._pulumi("config", "--json", "--show-secrets", "--stack", self.name, *file)
            )
        except StackUnknownError:
            raise
        except CommandFailedError as error:
            raise DeployError(
                f"{self.config_file.name} can't be read: {error}; mend that, and see that "
                f"`pulumi config --stack {self.name}` reads it"
            ) from error
        return found

    def set_secret(self, file: Path, key: str, secret: str | None) -> None:
        """Encrypt a value in a file as this stack's values are; it stands in no command line.

        Args:
            file: a stack's file.
            key: as `--path` takes it, such as `densenet-triton:model.source.url`.
            secret: the value; None takes it away.
        """
        verb = ("rm", "--path") if secret is None else ("set", "--path", "--secret")
        self._pulumi("config", *verb, key, f"--stack={self.name}", f"--config-file={file}", input_text=secret)

    def cancel(self) -> None:
        """Cancel the update of a run that is known to be gone, whichever host it ran on."""
        self.initialise()
        self._remove_dead_lock()
        with contextlib.suppress(CommandFailedError):  # there may be nothing to cancel
            self._pulumi("cancel", "--yes", "--stack", self.name)

    def settle(self, state: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make the stack fit to work on; after a failed or interrupted run, see to what it has left behind.

        Args:
            state: as `state` has just returned it; without it, it is asked for.

        Returns:
            Its state, as `pulumi stack export` prints it.
        """
        self._renew_config_copy()
        state = state or self.state()
        if state is None:
            self.initialise()
            state = self._state()
        if state["deployment"].get("pending_operations"):
            self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", "--clear-pending-creates")
            state = self._state()
        self._keep_what_pods_mount(state)
        return state

    def up(
        self,
        *,
        plan: Path | None = None,
        policy_pack: Path | None = None,
        events: Path | None = None,
        started: Started | None = None,
    ) -> None:
        """Deploy.

        Args:
            plan: what a preview has saved, and what exactly is to be done. What the program wants now is compared with
                it before anything changes.
            policy_pack: the rules that every resource is held to.
            events: the file that the engine's events go to, if they are wanted.
            started: is given Pulumi's process. Interrupted, it gives up its waits and leaves a state without debts.
        """
        flags = ["--skip-preview"] if plan is None else [f"--plan={plan}"]
        flags += [f"--policy-pack={policy_pack}"] if policy_pack else []
        flags += [f"--event-log={events}"] if events else []
        self._run("up", "--yes", "--suppress-outputs", *flags, started=started)

    def refresh(self) -> None:
        """Compare the state with the cluster: a new cluster holds nothing of what the state remembers."""
        self.initialise()
        self._remove_dead_lock()
        self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", "--clear-pending-creates")

    def look_again(self, urns: Sequence[str] = ()) -> None:
        """Compare parts of a settled stack's state with the cluster: the next update puts back what differs.

        Args:
            urns: of the resources that are looked at; without any, all are.
        """
        targets = (flag for urn in urns for flag in ("--target", urn))
        self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", *targets)

    def preview(self, *flags: str) -> None:
        """Show what `up` would change.

        Args:
            flags: more of `pulumi preview`, such as a policy pack.
        """
        self.initialise()
        self._run("preview", "--suppress-outputs", *flags)

    def destroy(self, *, keep: Sequence[str] = ()) -> None:
        """Remove the stack's resources; its configuration and history stay.

        Args:
            keep: URNs of resources that stay, in the cluster and in the state.
        """
        if self.exists():
            self._remove_dead_lock()
            flags = [f"--exclude={urn}" for urn in keep]
            self._run("destroy", "--yes", "--skip-preview", "--suppress-outputs", *flags)

    def withdraw(self) -> None:
        """Remove Triton's Deployment alone: nothing serves, and the next update makes it again."""
        self._remove_dead_lock()
        target = ("--target", f"**{_DEPLOYMENT}", "--target-dependents")
        self._run("destroy", "--yes", "--skip-preview", "--suppress-outputs", *target)

    def forget(self) -> None:
        """Drop the state of a stack whose cluster is gone."""
        if self.exists():
            self._remove_dead_lock()
            self._pulumi("stack", "rm", "--yes", "--force", "--preserve-config", "--stack", self.name)
        self._config_copy.unlink(missing_ok=True)

    def state(self) -> dict[str, Any] | None:
        """Return what Pulumi has kept of the stack, as it exports it, decrypted, or None where it has nothing.

        A Pulumi that outlives its run is waited for first, and a dead run's lock removed.
        """
        self._remove_dead_lock()
        try:
            return self._state("--show-secrets")
        except StackUnknownError:
            return None

    def with_access(self, state: dict[str, Any], config: Cluster) -> dict[str, Any]:
        """Have what Pulumi does by its state alone reach the cluster as the configuration does today.

        Pulumi's own way is `--run-program`: beside `--target` it leaves a state that fails its integrity check (3.259),
        and it wants a configuration without faults, while a stack whose file has some must be removable. So the state
        is edited.

        Args:
            state: as `state` has just returned it.
            config: the stack's group `cluster`.

        Returns:
            The state, as it is now.
        """
        edited = state_with_access(state, config)
        if edited is None:
            return state
        self._import(edited)
        return edited

    def exists(self) -> bool:
        """Say whether the backend knows this stack."""
        listed = json.loads(self._pulumi("stack", "ls", "--json"))
        return any(_is_named(stack["name"], self.name) for stack in listed)

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs.

        Raises:
            DeployError: it is not deployed.
        """
        try:
            outputs: dict[str, Any] = json.loads(self._pulumi("stack", "output", "--json", "--stack", self.name))
        except CommandFailedError as error:
            raise DeployError(f"stack {self.name} is not deployed ({error}); make up STACK={self.name}") from error
        if "url" not in outputs or resource_in(self._state(), SERVICE) is None:  # a destroyed one may have kept some
            raise DeployError(f"stack {self.name} has no URL yet; make up STACK={self.name}")
        return outputs

    @property
    def _config_copy(self) -> Path:
        return state_folder(self.environment) / "config" / file_name(self.name)

    def _renew_config_copy(self) -> None:
        keys = _keys(self._config_copy)
        self._config_copy.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(self.config_file, self._config_copy)
        if keys and not _keys(self._config_copy):
            with self._config_copy.open("a") as file:
                file.write("\n".join(["", *keys, ""]))

    def _state(self, *flags: str) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._pulumi("stack", "export", *flags, "--stack", self.name))
        return state

    def _import(self, state: Mapping[str, Any]) -> None:
        self._pulumi("stack", "import", "--stack", self.name, input_text=json.dumps(state))

    def _run(self, verb: str, *flags: str, started: Started | None = None) -> None:
        """Run what starts the Kubernetes provider, which leaves in a file the kubeconfig that it is given, keys too."""
        place = ("--stack", self.name, "--config-file", str(self._config_copy))
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            environment = {**self.environment, **_EVENT_LOG, "TMPDIR": scratch}
            run(["pulumi", verb, *place, _NO_DOTS, *flags], environment, stdout=self.display, started=started)

    def _pulumi(self, *arguments: str, input_text: str | None = None) -> str:
        try:
            return output_of(["pulumi", *arguments, "--non-interactive"], self.environment, input_text=input_text)
        except CommandFailedError as error:
            if "no stack named" in str(error):
                raise StackUnknownError(str(error)) from error
            raise

    def _keep_what_pods_mount(self, state: dict[str, Any]) -> None:
        """Forget the pending deletions of what serving pods mount, which an update to another release left by failing.

        Proof, claim and volume are named by their content. The way back to their release makes them again, and would
        then carry out the deletions: of what it has just made, and of what serves. Going on instead leaves them behind.
        """
        resources = state["deployment"].get("resources", [])
        kept = [each for each in resources if not (each.get("delete") and each["urn"].endswith(_MOUNTED))]
        if kept != resources:
            state["deployment"]["resources"] = kept
            self._import(state)

    def _remove_dead_lock(self) -> None:
        remove_dead_locks(backend_url(self.environment), short_name(self.name))


def _is_named(listed: str, name: str) -> bool:
    """Whether a stack of Pulumi's list, which leaves out what goes without saying, is the one of a name."""
    *organization, stack = listed.split("/")
    *given, last = name.split("/")
    return stack == last and (not organization or not given or organization[0] == given[0])


def _keys(config: Path) -> list[str]:
    """The lines that say what a stack's secrets are encrypted with."""
    if not config.exists():
        return []
    return [line for line in config.read_text().splitlines() if line.startswith(KEY_LINES)]
