"""A cluster that the product knows nothing of, and all that a platform team finds around it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.workspace import ROOT
from deploy.images.archives import build_images
from tests.cluster.driver import ClusterDriver, environment
from tests.faults.crashing_image import crashing_image
from tests.guest.bucket import Bucket, bucket
from tests.guest.page import block, names, run_as_administrator
from tests.guest.provisioner import STORAGE_CLASS, provisioner, storage_class
from tests.guest.registry import PASSWORD, USER, Registry, registry
from tests.guest.user import IMAGES, User, user_without_rights
from tests.orphans import end_orphans

CONTEXT = "platform@guest"
RELEASES = "platform-releases"
NAMESPACES = {"staging": "team-a", "prod": "team-b", "plain": "team-b"}
"""The stacks of the story, and where each of them lives."""

_HELPER = "localhost/helper:1"


@dataclass(frozen=True, kw_only=True)
class Guest:
    """What the tests act on: as its administrator, or as the team that is a guest in it.

    Attributes:
        cluster: the administrator's.
        registry: of the team.
        bucket: for the state.
        user: of the team, without rights on this machine; has the kubeconfig that the administrator handed out.
        folder: for what the administrator writes.
    """

    cluster: ClusterDriver
    registry: Registry
    bucket: Bucket
    user: User
    folder: Path = field(repr=False)

    def names(self, stack: str, namespace: str) -> dict[str, str]:
        """Return what the page's names stand for here."""
        found = {
            "STACK": stack,
            "NAMESPACE": namespace,
            "RELEASES": RELEASES,
            "CONTEXT": CONTEXT,
            "REGISTRY": f"{self.registry.host}/team",
            "STORAGE_CLASS": STORAGE_CLASS,
            "ACCESS_MODE": "ReadWriteOnce",
            "GATEWAY_CLASS": "traefik",
            "GATEWAY_PORT": str(self.cluster.layout.gateway_port),
            "ADMIT": f"{{cidr: {self.cluster.layout.host_address}/32}}",
            "BACKEND": self.bucket.backend,
        }
        assert found.keys() == names()
        return found

    def administer(self, namespace: str, *what: str) -> str:
        """Run blocks of the page as the administrator does; they must succeed. Returns what they printed."""
        docs = self.folder / "docs"
        if not docs.exists():
            docs.symlink_to(ROOT / "docs")
        own = {**self.names("unknown", namespace), "KUBECONFIG": str(self.cluster.layout.kubeconfig)}
        return run_as_administrator(block(*what), self.folder, {**environment(), **own})

    def hand_over(self, name: str) -> None:
        """Give the team a file that the administrator has written."""
        self.user.write(self.user.clone / name, (self.folder / name).read_text())

    def do(self, stack: str, *what: str, **variables: str) -> str:
        """Run blocks of the page as the team does, for a stack; they must succeed. Returns what they printed."""
        return self.user.shell(block(*what), **{**self.variables(stack), **variables})

    def gate(self, stack: str, *arguments: str) -> tuple[int, str]:
        """Run the gate as pipelines do that tell its statuses apart; return the status and all that it said."""
        result = self.user.run([".venv/bin/python", "-m", "gate", *arguments], **self.variables(stack))
        assert "Traceback" not in result.stderr, result.stderr
        return result.returncode, result.stdout + result.stderr

    def variables(self, stack: str) -> dict[str, str]:
        """Return what a shell of the team's has; a stack's namespace is the one that the story gives it."""
        return {
            **self.names(stack, NAMESPACES.get(stack, stack)),
            **self.bucket.environment,
            "PULUMI_BACKEND_URL": self.bucket.backend,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.user.home / "passphrase"),
            "KUBECONFIG": str(self.user.clone / "team.kubeconfig"),
            "REGISTRY_AUTH_FILE": str(self.user.home / "registry.json"),
            "REGISTRY_USER": USER,
            "REGISTRY_PASSWORD": PASSWORD,
        }

    def kubectl(self, *arguments: str, input_text: str | None = None) -> str:
        """Run kubectl with the team's rights; it must succeed. Returns what it printed."""
        result = self.user.run(
            ["kubectl", *arguments], input_text=input_text, KUBECONFIG=str(self.user.clone / "team.kubeconfig")
        )
        assert result.returncode == 0, f"kubectl {arguments}: {result.stderr}"
        return result.stdout

    def may(self, verb: str, what: str, namespace: str | None = None) -> bool:
        """Whether the team may do something, in a namespace or in all of the cluster, as the API server says it."""
        where = f"--namespace={namespace}" if namespace else "--all-namespaces"
        result = self.user.run(
            ["kubectl", "auth", "can-i", verb, what, where, "--quiet"],
            KUBECONFIG=str(self.user.clone / "team.kubeconfig"),
        )
        return result.returncode == 0

    def make_class_default(self) -> None:
        """Have claims without a class get the one that there is, as the administrator decides."""
        self.cluster.apply(storage_class(is_default=True))


@contextlib.contextmanager
def guest_in(folder: Path) -> Iterator[Guest]:
    """Have a guest's cluster, and what stands around it, while the context lasts.

    Args:
        folder: an empty one, for what the servers and the administrator write.
    """
    archives = build_images(IMAGES)  # what CI, or a colleague with root, has built
    # Its shell makes the folders of volumes. An image of its own: what was pulled with a secret, kubelet denies to pods
    # that have none, by whichever name they ask for it.
    helper = folder / "helper.tar"
    helper.write_bytes(crashing_image(archives["triton-cpu"], _HELPER))
    folders = {name: folder / name for name in ("registry", "provisioner", "bucket", "administrator")}
    for each in folders.values():
        each.mkdir()
    cluster = ClusterDriver("embedded-guest")
    with contextlib.ExitStack() as around:
        around.callback(cluster.run, "down")
        cluster.run("up", "--image", f"{_HELPER}={helper}")
        pushed = around.enter_context(registry(folders["registry"], cluster.layout.host_address))
        pushed.trust_by_node(cluster.layout.registries)
        around.enter_context(provisioner(cluster, folders["provisioner"], image=_HELPER))
        state = around.enter_context(bucket(folders["bucket"]))
        user = around.enter_context(user_without_rights(cluster.name))
        around.callback(end_orphans, str(user.home / ".pulumi"))
        pushed.trust_by_clients_of(user)
        yield Guest(cluster=cluster, registry=pushed, bucket=state, user=user, folder=folders["administrator"])
