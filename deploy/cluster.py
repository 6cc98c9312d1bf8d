"""The Kubernetes cluster that a stack's configuration names: made ready where it is ours, asked where it is not."""

import itertools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.commands import output_of, run
from deploy.errors import CommandFailedError, DeployError, ForbiddenError
from infra.config import Cluster as ClusterConfig
from tools.privileges import as_root, give_to_caller, home_of_process

_FORBIDDEN = "Error from server (Forbidden)"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster by its kubeconfig context.

    Attributes:
        config: the stack's group `cluster`.
        environment: what programs run in.
    """

    config: ClusterConfig
    environment: Mapping[str, str]

    def lend(self) -> None:
        """Under sudo, let the user who called read the embedded cluster's kubeconfig, which root has written."""
        if self.config.local_name and self.config.kubeconfig_path:
            give_to_caller(self.config.kubeconfig_path)

    def start(self, images: Mapping[str, Path] | None = None) -> None:
        """Start the embedded cluster, or heal it.

        Args:
            images: archives by the reference of the image in them; each is loaded, unless the image is there.
        """
        flags = (("--image", f"{reference}={archive}") for reference, archive in (images or {}).items())
        self._local("up", *itertools.chain.from_iterable(flags))
        self.lend()

    def status(self) -> None:
        """Print the state of the embedded cluster's components."""
        self._local("status")

    def remove(self) -> None:
        """Remove the embedded cluster with its data."""
        self._local("down")

    def await_answer(self) -> str:
        """Ask the API server once, for what whoever is known to it may read: its version, as JSON.

        Raises:
            DeployError: the context does not exist, or nothing answers.
        """
        try:
            return self.kubectl("get", "--raw=/version")
        except CommandFailedError as error:
            cure = "start it: make up" if self.config.local_name else "name one of: kubectl config get-contexts"
            raise DeployError(f"cluster.context {self.config.context!r} does not answer: {error}; {cure}") from error

    def kubectl(self, *arguments: str, timeout_s: float = 30, input_text: str | None = None) -> str:
        """Return what kubectl prints, asked of this cluster and no other.

        Args:
            arguments: of kubectl.
            timeout_s: longest time that it may take.
            input_text: its standard input, as `--filename=-` reads it.

        Raises:
            ForbiddenError: this user may not do it.
            CommandFailedError: it failed otherwise.
        """
        command = self.kubectl_command(*arguments)
        try:
            return output_of(command, self.environment, timeout_s=timeout_s, input_text=input_text)
        except CommandFailedError as error:
            if _FORBIDDEN in str(error):
                raise ForbiddenError(str(error)) from error
            raise

    def kubectl_command(self, *arguments: str) -> list[str]:
        """Return a kubectl command line that names this cluster explicitly."""
        path = self.config.kubeconfig_path
        kubeconfig = [f"--kubeconfig={path}"] if path else []
        return ["kubectl", *kubeconfig, f"--context={self.config.context}", *arguments]

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        """Return a namespace's pods as the API gives them."""
        flags = [f"--selector={selector}"] if selector else []
        return self._items("pods", f"--namespace={namespace}", *flags)

    def all_pods(self) -> list[dict[str, Any]]:
        """Return the pods of every namespace as the API gives them."""
        return self._items("pods", "--all-namespaces")

    def nodes(self) -> list[dict[str, Any]]:
        """Return the nodes as the API gives them."""
        return self._items("nodes")

    def _items(self, *arguments: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output=json"))["items"]
        return items

    def _local(self, *arguments: str) -> None:
        name = self.config.local_name
        if name is None:
            raise DeployError(f"cluster.context {self.config.context!r} is not an embedded cluster of this project")
        with as_root():
            environment = {**self.environment, **home_of_process()}
            run([sys.executable, "-m", "local_cluster", "--name", name, *arguments], environment)
