"""A throw-away clone with a commit, a cluster, a stack and a Pulumi state of its own, driven as a user does."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local_cluster.layout import layout_from_name
from tools.privileges import cache_of_caller

ROOT = Path(__file__).resolve().parent.parent
_COPIED = "copied"  # the tag of a workspace's first commit


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A copy of this checkout, as it lies on the disk or as a commit has it, in a folder of its own.

    Attributes:
        folder: where the copy lies.
        cluster: the embedded cluster's name, so that nothing that runs on this machine is met.
        environment: what `make` runs in: the caches are the user's, the state is the workspace's own.
    """

    folder: Path
    cluster: str
    environment: dict[str, str] = field(repr=False)

    def write_stack(self, stack: str, *, base: str = "dev", **changes: dict[str, Any]) -> None:
        """Write `Pulumi.<stack>.yaml`: a committed stack on this workspace's cluster, in namespace `triton-<stack>`.

        Args:
            stack: the stack's name.
            base: the committed stack that it is a copy of.
            changes: keys to set in a group, by group: `model={"maxBatchSize": 8}`; one with a `kind` is a whole group.
        """
        layout = layout_from_name(self.cluster)
        groups = yaml.safe_load(self.git("show", f"{_COPIED}:Pulumi.{base}.yaml"))["config"]
        own: dict[str, dict[str, Any]] = {
            "cluster": {
                "context": self.cluster,
                "kubeconfig": str(layout.kubeconfig),
                "namespace": f"triton-{stack}",
            },
            "storage": {"kind": "hostPath", "path": str(layout.storage), "node": self.cluster},
            "endpoint": {"port": layout.gateway_port},
        }
        if "admit" in groups["densenet-triton:endpoint"]:  # else a commit from before NetworkPolicies
            own["endpoint"]["admit"] = [{"cidr": f"{layout.host_address}/32"}]
            own["cluster"]["apiServer"] = [{"cidr": f"{layout.node_address}/32", "port": layout.api_port}]
        for group, values in [*own.items(), *changes.items()]:
            kept = {} if "kind" in values else groups.get(f"densenet-triton:{group}", {})
            groups[f"densenet-triton:{group}"] = kept | values
        (self.folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": groups}))

    def make(self, *arguments: str, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
        """Run `make` and return what it printed, whatever its exit status."""
        return subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def commit(self, message: str) -> str:
        """Commit whatever has changed, and return the commit's full name."""
        self.git("add", "--all")
        self.git(
            "-c", "user.name=tests", "-c", "user.email=tests@localhost", "commit", "--quiet", f"--message={message}"
        )
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str) -> str:
        """Run git in the clone and return what it prints."""
        command = ["git", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout


def workspace_in(folder: Path, cluster: str) -> Workspace:
    """Copy this checkout's files, tracked or not yet tracked, to `folder`/clone, and commit them there."""
    clone = folder / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    return _workspace(clone, cluster)


def workspace_of_commit(commit: str, folder: Path, cluster: str) -> Workspace:
    """Copy what a commit of this clone's history has to `folder`/clone, and commit it there.

    Raises:
        subprocess.CalledProcessError: git does not know the commit, and has said so.
    """
    clone = folder / "clone"
    clone.mkdir(parents=True)
    files = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "--extract"], cwd=clone, check=True, input=files)
    return _workspace(clone, cluster)


def _workspace(clone: Path, cluster: str) -> Workspace:
    folder = clone.parent
    foreign = ("PULUMI_", "VIRTUAL_ENV", "PYTHONPATH", "KUBECONFIG", "PYTEST_", "MAKE", "MFLAGS", "STACK")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    environment |= {"XDG_STATE_HOME": str(folder / "state"), "PULUMI_HOME": str(folder / "pulumi"), **cache_of_caller()}
    workspace = Workspace(folder=clone, cluster=cluster, environment=environment)
    workspace.git("init", "--quiet", "--initial-branch=main")
    workspace.commit("As it was copied")
    workspace.git("tag", _COPIED)
    return workspace
