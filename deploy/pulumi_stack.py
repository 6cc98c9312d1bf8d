"""One Pulumi stack, driven through the CLI with the user's own backend."""

import json
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import psutil

from deploy.commands import ROOT, output_of, run
from deploy.environment import backend_url, state_folder
from deploy.errors import CommandFailedError, DeployError


@dataclass(frozen=True, kw_only=True)
class PulumiStack:
    """A stack of this project.

    Pulumi writes its passphrase salt into the configuration file that it is given. It is given a copy, kept in the
    user's state folder and renewed from `Pulumi.<name>.yaml` for each command, so that a checkout stays clean.

    Attributes:
        name: the stack's name; `Pulumi.<name>.yaml` in the repository's root is its configuration.
        environment: what `deployment_environment` returned.
    """

    name: str
    environment: Mapping[str, str]

    @property
    def config_file(self) -> Path:
        """The user's configuration of this stack."""
        return ROOT / f"Pulumi.{self.name}.yaml"

    def initialise(self) -> None:
        """Make the stack known to the backend, with the configuration that its file has now."""
        salt = _salt(self._config_copy)
        self._config_copy.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(self.config_file, self._config_copy)
        if salt and not _salt(self._config_copy):
            with self._config_copy.open("a") as file:
                file.write(f"\n{salt}\n")
        if not self.exists():
            shutil.copyfile(ROOT / "Pulumi.yaml", self._config_copy.with_name("Pulumi.yaml"))
            self._pulumi("stack", "init", self.name, "--no-select", f"--cwd={self._config_copy.parent}")

    def up(self) -> None:
        """Deploy; after an interrupted run, find out first what it has left behind."""
        self.initialise()
        self._remove_dead_lock()
        if self._has_pending_operations():
            self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", "--clear-pending-creates")
        self._run("up", "--yes", "--skip-preview", "--suppress-outputs")

    def refresh(self) -> None:
        """Compare the state with the cluster: a new cluster holds nothing of what the state remembers."""
        self.initialise()
        self._remove_dead_lock()
        self._run("refresh", "--yes", "--skip-preview", "--suppress-outputs", "--clear-pending-creates")

    def preview(self) -> None:
        """Show what `up` would change."""
        self.initialise()
        self._run("preview", "--suppress-outputs")

    def destroy(self) -> None:
        """Remove the stack's resources; its configuration and history stay."""
        if self.exists():
            self._remove_dead_lock()
            self._run("destroy", "--yes", "--skip-preview", "--suppress-outputs")

    def forget(self) -> None:
        """Drop the state of a stack whose cluster is gone."""
        if self.exists():
            self._remove_dead_lock()
            self._pulumi("stack", "rm", "--yes", "--force", "--preserve-config", "--stack", self.name)
        self._config_copy.unlink(missing_ok=True)

    def exists(self) -> bool:
        """Say whether the backend knows this stack."""
        listed = json.loads(self._pulumi("stack", "ls", "--json"))
        return any(stack["name"].rpartition("/")[2] == self.name for stack in listed)

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs.

        Raises:
            DeployError: it is not deployed.
        """
        try:
            outputs: dict[str, Any] = json.loads(self._pulumi("stack", "output", "--json", "--stack", self.name))
        except CommandFailedError as error:
            raise DeployError(f"stack {self.name} is not deployed ({error}); make up STACK={self.name}") from error
        if "url" not in outputs:
            raise DeployError(f"stack {self.name} has no URL yet; make up STACK={self.name}")
        return outputs

    @property
    def _config_copy(self) -> Path:
        return state_folder(self.environment) / "config" / self.config_file.name

    def _run(self, verb: str, *flags: str) -> None:
        run(
            ["pulumi", verb, "--stack", self.name, "--config-file", str(self._config_copy), *flags],
            self.environment,
        )

    def _pulumi(self, *arguments: str) -> str:
        return output_of(["pulumi", *arguments, "--non-interactive"], self.environment)

    def _has_pending_operations(self) -> bool:
        state = json.loads(self._pulumi("stack", "export", "--stack", self.name))
        return bool(state["deployment"].get("pending_operations"))

    def _remove_dead_lock(self) -> None:
        """Remove the lock of a killed run: only where its host is this one and its process is dead."""
        backend = urlparse(backend_url(self.environment))
        if backend.scheme != "file":
            return
        locks = Path(unquote(backend.path)) / ".pulumi" / "locks"
        for lock in locks.glob(f"*/*/{self.name}/*.json"):
            owner = json.loads(lock.read_text())
            if owner["hostname"] == socket.gethostname() and not psutil.pid_exists(owner["pid"]):
                lock.unlink()


def _salt(config: Path) -> str:
    if not config.exists():
        return ""
    return next((line for line in config.read_text().splitlines() if line.startswith("encryptionsalt:")), "")
