"""A kept release's own program: the files of its commit, the packages that it locks, the configuration that it had."""

import contextlib
import os
import posixpath
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.commands import ROOT, output_of, run, status_of
from deploy.configuration import write_values
from deploy.errors import CommandFailedError, DeployError, StepFailedError, TurnedAwayError, UnreachedError
from deploy.lease import VARIABLE
from deploy.operations import Deployment
from deploy.smoke import TURNED_AWAY_STATUS, UNREACHED_STATUS, require_right
from gate.before.checkout import program_of_commit
from gate.cluster.releases import NEVER_FETCHED, Release
from infra.config import CLIENTS, file_name, secret_places, value_at_key, with_value_at_key
from infra.config.gateway_classes import Feature, enforces
from infra.errors import InfraError
from tools.privileges import as_root

_PATIENCE_S = 1800
_CLUSTER = "densenet-triton:cluster"
_ENDPOINT = "densenet-triton:endpoint"
_KNOWS_KEYS = "infra/config/clients.py"  # in a program that does
_PATHS = ("KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
_BACKEND = "PULUMI_BACKEND_URL"
_FILE = "file://"


@dataclass(frozen=True, kw_only=True)
class ReleaseProgram:
    """A release that can be deployed again, exactly as it was.

    Attributes:
        release: with the plan that is to be pinned.
        folder: where programs are kept, each under its commit.
        kubeconfig: the one that reaches the cluster today; access is no part of a release.
        deployment: of the stack as it is today: its name, and what is secret, which no release keeps.
        embedded: whether the cluster is the embedded one, which its own `make up` heals.
        lease: identity of the run whose lease on the stack it works within.
    """

    release: Release
    folder: Path
    kubeconfig: Path | None
    deployment: Deployment
    embedded: bool
    lease: str

    @property
    def commit(self) -> str:
        """The program's commit."""
        return self.release.subject.commit

    def prepare(self) -> None:
        """Lay out the program's files, its packages and its tools, so that nothing is made while nothing serves.

        Raises:
            FailedError: this clone does not have its commit.
            StepFailedError: its packages or its tools could not be installed.
        """
        program = program_of_commit(self.commit, self.folder, dict(os.environ))
        run([sys.executable, "-m", "tools", "venv"], self._environment, cwd=program)
        tools, purposes = [self._python, "-m", "tools"], ["pulumi", *(["cluster"] if self.embedded else [])]
        with Path(os.devnull).open("w") as nowhere, as_root():  # for Debian's packages: it becomes the caller by itself
            if self._has_ready(program):
                run([*tools, "ready", "--only", *purposes], self._environment, cwd=program, stdout=nowhere)

    def _has_ready(self, program: Path) -> bool:
        """Whether the commit's tools can be made by this name; an older one makes them when it deploys."""
        try:
            output_of([self._python, "-m", "tools", "ready", "--help"], self._environment, cwd=program)
        except CommandFailedError:
            return False
        return True

    def apply(self) -> None:
        """Deploy it by its own `make up`; whether its URL is reached is for `prove` to say.

        Raises:
            StepFailedError: it was not deployed, or does not answer rightly.
        """
        with contextlib.suppress(UnreachedError, TurnedAwayError):
            self._run("up", f"--patience-s={_PATIENCE_S}")

    def prove(self, junit: Path) -> None:
        """Run its own smoke tests against the URL and every replica.

        Args:
            junit: the file that their report goes to.

        Raises:
            UnreachedError: the URL was not reached.
            TurnedAwayError: its door let nobody in.
            StepFailedError: a test failed.
        """
        self._run("prove", f"--junit={junit}")

    def _config(self) -> dict[str, object]:
        config = with_value_at_key(self.release.pinned_config, CLIENTS, None)
        cluster = {key: value for key, value in config[_CLUSTER].items() if key != "kubeconfig"}
        access = {} if self.kubeconfig is None else {"kubeconfig": str(self.kubeconfig)}
        return {**config, _CLUSTER: {**cluster, **access}}

    def _secrets(self) -> dict[str, str]:
        """What is secret of the release, with today's value: who may ask is today's affair, and never a release's.

        Where the stack has no URL today, one takes its place that is never asked: the plan is pinned. Where nobody can
        say who may ask today, nobody may. A release from before the stack had keys asks for today's, if its door can.
        """
        clients = [name for name in self.release.secrets if name.startswith(f"{CLIENTS}.")]
        others = [name for name in self.release.secrets if name not in clients]
        try:
            today = self.deployment.values.values
        except (DeployError, InfraError):  # what is wrong with today's file stands in nobody's way back
            today, keys = {}, {name: secrets.token_urlsafe() for name in clients}
        else:
            places = [name for name in secret_places(today) if name.startswith(f"{CLIENTS}.")]
            keys = {name: str(value_at_key(today, name)) for name in places} if clients or self._may_ask else {}
            if places and not keys:
                said = f"release {self.release.id} is from before the stack's keys, and its door can ask for none"
                print(f"{said}: everybody may ask it; go on with a later one, once it serves", file=sys.stderr)  # noqa: T201 - what the user has to know
        return {name: str(value_at_key(today, name) or NEVER_FETCHED) for name in others} | keys

    @property
    def _may_ask(self) -> bool:
        """Whether the release's program knows keys, and its configuration has a door for them."""
        endpoint = self.release.config.get(_ENDPOINT, {})
        is_closed = bool(endpoint.get("tls") or endpoint.get("acceptPlainHttp") or endpoint.get("gateway"))
        can_ask = "gateway" in endpoint or enforces(endpoint.get("gatewayClass"), Feature.KEYS)
        return is_closed and can_ask and (self.folder / self.commit / _KNOWS_KEYS).exists()

    def _run(self, verb: str, *flags: str) -> None:
        """Run a verb with this release's configuration: others of the same commit share the files."""
        program, stack = self.folder / self.commit, self.deployment.stack
        write_values(program / file_name(stack), self._config(), self._secrets(), lambda: self.deployment.pulumi)
        command = [self._python, "-m", "deploy", verb, f"--stack={stack}", *flags]
        with as_root():  # under sudo it becomes the caller by itself
            status = status_of(command, self._environment, cwd=program)
        if status in {UNREACHED_STATUS, TURNED_AWAY_STATUS}:
            require_right(status, self.release.subject.url or f"stack {stack}", "")
        if status != 0:
            raise StepFailedError(f"'deploy {verb}' of release {self.release.id} ended with status {status}, see above")

    @property
    def _python(self) -> str:
        return str(self.folder / self.commit / ".venv" / "bin" / "python")

    @property
    def _environment(self) -> dict[str, str]:
        return environment_elsewhere(os.environ, ROOT) | {VARIABLE: self.lease}


def environment_elsewhere(environment: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return an environment that means the same in another folder.

    Args:
        environment: whose relative paths begin at `root`.
        root: absolute.
    """
    elsewhere = dict(environment)
    for name in _PATHS:
        if name in elsewhere:
            paths = elsewhere[name].split(os.pathsep) if name == "KUBECONFIG" else [elsewhere[name]]
            elsewhere[name] = os.pathsep.join(str(root / path) if path else "" for path in paths)
    path = elsewhere.get(_BACKEND, "").removeprefix(_FILE)
    if elsewhere.get(_BACKEND, "").startswith(_FILE) and not path.startswith(("/", "~")):
        elsewhere[_BACKEND] = _FILE + posixpath.normpath(f"{quote(str(root))}/{path}")
    return elsewhere
