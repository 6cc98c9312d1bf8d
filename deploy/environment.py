"""The environment that Pulumi and every other program of a deployment runs in."""

import json
import os
import secrets
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.commands import output_of, run
from tools.privileges import as_root

_SHOWN = (
    "PATH",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER",
    "PULUMI_HOME",
    "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    "PULUMI_SKIP_UPDATE_CHECK",
)


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return the user's folder for what must outlive a run: stack states, the passphrase, locks."""
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(home) / "densenet-triton"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def deployment_environment(tools: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, completed by what the user has not chosen himself.

    The tools stand first on PATH. A user who is logged in to a Pulumi backend, or names one, keeps it; any other
    gets a file backend and a passphrase of mode 0600 in his own state folder.

    Args:
        tools: what `ensure_tools` returned; without it `tools` is asked, and installs nothing.
    """
    environment = dict(os.environ)
    found = tools or json.loads(output_of([sys.executable, "-m", "tools", "environment"], environment))
    environment |= {**found, "PATH": f"{found['PATH']}:{environment['PATH']}"}
    # Pulumi alone would go by the system's list of users, and miss the plugins where HOME is another folder
    environment["PULUMI_HOME"] = str(pulumi_home(environment))
    environment.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    # Newer providers refuse to make what exists. Whose it is has been looked at: what is ours comes back.
    environment.setdefault("PULUMI_K8S_UPSERT_EXISTING_OBJECTS", "true")
    environment.setdefault("GOGC", "400")  # Pulumi and kubectl live for seconds: memory costs them less than time
    if "PULUMI_ACCESS_TOKEN" not in environment and not backend_url(environment):
        backend = state_folder(environment) / "pulumi"
        backend.mkdir(mode=0o700, exist_ok=True)
        environment["PULUMI_BACKEND_URL"] = backend.as_uri()
    if not environment.keys() & {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"}:
        environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase_file(state_folder(environment)))
    environment["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true"
    return environment


def ensure_tools(*, embedded: bool, first: Sequence[str] = ()) -> dict[str, str]:
    """Install and build what this machine lacks: all that the embedded cluster needs, or Pulumi and kubectl.

    Args:
        embedded: whether the embedded cluster is wanted.
        first: a command that must succeed, as root, before anything is installed or built; run only if anything is.

    Returns:
        The variables that find it; PATH is what must stand first.

    Raises:
        StepFailedError: something could not be installed or built.
    """
    purposes = ("pulumi", "cluster") if embedded else ("pulumi",)
    flags = ["--first", shlex.join(first)] if first else []
    with tempfile.TemporaryFile("w+") as said:
        with as_root():  # for Debian's packages alone: `tools` becomes the user who called by itself
            run([sys.executable, "-m", "tools", "ready", *flags, "--only", *purposes], os.environ, stdout=said)
        said.seek(0)
        found: dict[str, str] = json.load(said)
    return found


def shown_environment(
    environment: Mapping[str, str], stack: str, *, kubeconfig: Path | None, authority: Path | None
) -> str:
    """Return the lines of `make env`, for a shell's eval: what plain `pulumi` and `kubectl` need to work on a stack.

    Args:
        environment: what `deployment_environment` returned.
        stack: its name.
        kubeconfig: the file that the stack names, if it names one.
        authority: the file of the authority that the stack's clients trust, if they need one.
    """
    shown = {**{key: environment[key] for key in _SHOWN if key in environment}, "PULUMI_STACK": stack}
    shown |= {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
    shown |= {"DENSENET_TRITON_CA": str(authority)} if authority else {}
    return "\n".join(f"export {key}={_quoted(value)}" for key, value in shown.items())


def pulumi_home(environment: Mapping[str, str]) -> Path:
    """Return the folder where Pulumi keeps its plugins and what the user is logged in to."""
    return Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def backend_url(environment: Mapping[str, str]) -> str:
    """Return where the user keeps his stacks: what he names, else what he is logged in to, else nothing."""
    if named := environment.get("PULUMI_BACKEND_URL"):
        return named
    try:
        return str(json.loads((pulumi_home(environment) / "credentials.json").read_text()).get("current", ""))
    except (OSError, ValueError):
        return ""


def _passphrase_file(folder: Path) -> Path:
    path = folder / "passphrase"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    return path


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
