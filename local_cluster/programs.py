"""The programs that a cluster is made of: found on PATH, run with a clean environment."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local_cluster import packages
from local_cluster.errors import ProgramError

BUILT = (
    "containerd",
    "containerd-shim-runc-v2",
    "coredns",
    "ctr",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-router",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "pause",
    "traefik",
)
"""Programs that `make tools` builds where they are missing."""

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_SYSTEM_TREES = ("/usr", "/bin", "/sbin")
_RUN_S = 60
_DEATH_S = 5


def search_path() -> str:
    """Return the caller's PATH, completed by the system folders that a user's PATH often lacks."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    return os.pathsep.join(dict.fromkeys([*folders, *SYSTEM_FOLDERS]))


def find(program: str) -> str | None:
    """Return the program's absolute path, or None where there is none."""
    found = shutil.which(program, path=search_path())
    return found and str(Path(found).absolute())


def required(program: str) -> str:
    """Return the program's absolute path.

    Raises:
        ProgramError: it is not there; names the command that brings it.
    """
    found = find(program)
    if found is None:
        raise ProgramError(f"not on PATH: {program}; {cure(program)}")
    return found


def cure(program: str) -> str:
    """Return the command that installs a program."""
    package = packages.package_of_program().get(program)
    if package is not None:
        return f"apt-get install {package}"
    return "run `make tools`, and put the folders that `python3 -m tools path` prints first on PATH"


def is_systems(program: str) -> bool:
    """Tell whether a program, by its path, is really in the system's folders, where nobody clears away a cache."""
    return any(Path(program).resolve().is_relative_to(tree) for tree in _SYSTEM_TREES)


def cni_folder() -> Path | None:
    """Return the folder that holds every CNI plugin a cluster needs, or None."""
    plugins = packages.cni_plugins()
    for folder in plugins.folders:
        if all((folder / name).is_file() for name in plugins.names):
            return folder
    return None


def environment() -> dict[str, str]:
    """Return the environment for child processes: no proxies, no kubeconfig, no home of the user's."""
    return {"PATH": search_path(), "LC_ALL": "C.UTF-8"}


def run(command: Sequence[str], *, stdin: str | None = None, deadline_s: float = _RUN_S) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: the program's name or path, and its arguments.
        stdin: text for its standard input.
        deadline_s: how long it may take.

    Raises:
        ProgramError: it is missing, failed or did not end; holds the last line it wrote to stderr.
    """
    status, output, errors = finished([required(command[0]), *command[1:]], stdin=stdin, deadline_s=deadline_s)
    if status != 0:
        lines = (errors.strip() or output.strip() or "no output").splitlines()
        raise ProgramError(f"`{_shown(command)}` ended with status {status}: {lines[-1]}")
    return output


def succeeds(command: Sequence[str], *, deadline_s: float = _RUN_S) -> bool:
    """Tell whether a program ends in time and with status 0."""
    try:
        return finished(command, deadline_s=deadline_s)[0] == 0
    except ProgramError:
        return False


def finished(command: Sequence[str], *, stdin: str | None = None, deadline_s: float = _RUN_S) -> tuple[int, str, str]:
    """Run a program, be it a success or not; one that does not end is killed with all that it started.

    Returns:
        Its exit status, and what it wrote to stdout and to stderr.

    Raises:
        ProgramError: it did not end in time.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,  # so that what it starts can be killed with it
    )
    try:
        output, errors = process.communicate(stdin, timeout=deadline_s)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # the kernel itself holds it fast, on a dead disk, say
            process.communicate(timeout=_DEATH_S)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        raise ProgramError(
            f"`{_shown(command)}` did not end within {deadline_s:.0f} s and was killed: "
            "see whether the machine is overloaded or a disk hangs, then try again"
        ) from error
    return process.returncode, output, errors


def _shown(command: Sequence[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:3], *(["…"] if len(command) > 3 else [])])  # noqa: PLR2004
