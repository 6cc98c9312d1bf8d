"""The Debian packages that a machine may lack, installed in one step."""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.errors import PackagesError
from tools.privileges import as_root

PURPOSES = ("cluster", "images", "python")
_ADMIN_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"  # not on every user's PATH
_INSTALL = ("apt-get", "install", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Debian package and what shows that the machine has its content, whoever put it there.

    Looking for the content and not for the package leaves alone what others have installed: Docker's containerd.io,
    for one, brings a runc and does not tolerate Debian's.
    """

    name: str
    purposes: frozenset[str]
    program: str = ""
    paths: tuple[str, ...] = ()
    python_module: str = ""

    def is_there(self, environment: Mapping[str, str]) -> bool:
        """Say whether its program is on PATH, one of its paths exists, or Python can import its module."""
        if self.program:
            folders = f"{environment.get('PATH', os.defpath)}:{_ADMIN_FOLDERS}"
            return shutil.which(self.program, path=folders) is not None
        if self.paths:
            return any(Path(path).exists() for path in self.paths)
        return importlib.util.find_spec(self.python_module) is not None


PACKAGES = (
    Package(name="runc", purposes=frozenset({"cluster", "images"}), program="runc"),
    Package(
        name="containernetworking-plugins",
        purposes=frozenset({"cluster"}),
        paths=("/usr/lib/cni/bridge", "/opt/cni/bin/bridge", "/usr/libexec/cni/bridge"),
    ),
    Package(name="iptables", purposes=frozenset({"cluster"}), program="iptables"),
    Package(name="nftables", purposes=frozenset({"cluster"}), program="nft"),
    Package(name="iproute2", purposes=frozenset({"cluster"}), program="ip"),
    Package(name="mount", purposes=frozenset({"cluster"}), program="mount"),
    Package(name="buildah", purposes=frozenset({"images"}), program="buildah"),
    Package(name="mmdebstrap", purposes=frozenset({"images"}), program="mmdebstrap"),
    Package(
        name="debian-archive-keyring",
        purposes=frozenset({"images"}),
        paths=("/usr/share/keyrings/debian-archive-keyring.gpg",),
    ),
    Package(name="python3-venv", purposes=frozenset({"python"}), python_module="ensurepip"),
)


def missing_packages(only: str | None, environment: Mapping[str, str]) -> list[str]:
    """Return the names of the packages that the machine lacks for a purpose, or for all of them."""
    wanted = (package for package in PACKAGES if only is None or only in package.purposes)
    return [package.name for package in wanted if not package.is_there(environment)]


@as_root()
def install_missing(only: str | None) -> None:
    """Install what the machine lacks by one apt-get; where nothing is missing, run nothing.

    Raises:
        PackagesError: the machine has no apt-get, this user may not install, or apt-get has failed.
    """
    missing = missing_packages(only, os.environ)
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise PackagesError(
            f"this machine lacks what Debian packages {', '.join(missing)} contain and has no apt-get; "
            "install the same by its own means"
        )
    if os.geteuid() != 0:
        command = shlex.join(["sudo", "apt-get", "install", *missing])
        raise PackagesError(f"Debian packages are missing and only root can install them: {command}")
    sys.stderr.write(f"installing Debian packages: {', '.join(missing)}\n")
    if not _has_candidates(missing) or not _succeeds(*_INSTALL, *missing):
        # the package lists are missing or out of date
        _succeeds("apt-get", "update")
        if not _succeeds(*_INSTALL, *missing):
            raise PackagesError(
                f"apt-get could not install {', '.join(missing)}, see above; mend its sources or install them by hand: "
                f"{shlex.join(['apt-get', 'install', *missing])}"
            )


def _has_candidates(packages: list[str]) -> bool:
    result = subprocess.run(["apt-cache", "show", *packages], check=False, capture_output=True)
    return result.returncode == 0


def _succeeds(*command: str) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, check=False, stdout=sys.stderr, env=environment).returncode == 0
