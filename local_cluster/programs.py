"""The programs that a cluster is made of: found on PATH, run with a clean environment."""

import os
import shutil
import subprocess
from collections.abc import Sequence
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
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "pause",
    "traefik",
)
"""Programs that `make tools` builds where they are missing."""

MARKER = "DENSENET_TRITON_CLUSTER"
"""Environment variable that every process of a cluster inherits; its value is the cluster's name."""

_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def search_path() -> str:
    """Return the caller's PATH, completed by the system folders that a user's PATH often lacks."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    return os.pathsep.join(dict.fromkeys([*folders, *_SYSTEM_FOLDERS]))


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


def run(command: Sequence[str], *, stdin: str | None = None) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: the program's name or path, and its arguments.
        stdin: text for its standard input.

    Raises:
        ProgramError: it is missing or failed; holds the last line it wrote to stderr.
    """
    result = subprocess.run(
        [required(command[0]), *command[1:]],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if result.returncode != 0:
        lines = (result.stderr.strip() or result.stdout.strip() or "no output").splitlines()
        shown = " ".join(command[:3])
        raise ProgramError(f"`{shown} …` ended with status {result.returncode}: {lines[-1]}")
    return result.stdout
