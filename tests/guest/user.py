"""A user without rights on this machine: a user id that nobody has, with a home, a clone, and the caches of another."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.workspace import workspace_in
from infra.images import content_tag
from tests.cluster.driver import environment
from tests.guest.page import SHELL
from tools.cache import Cache
from tools.catalogue import catalogue, chosen
from tools.privileges import cache_folder
from tools.venv import uv_folder

IMAGES = ("triton-cpu", "model-build")
_FIRST_UID = 20_000
_FOREIGN = ("PULUMI_", "VIRTUAL_ENV", "KUBECONFIG", "PYTEST_", "MAKE", "MFLAGS", "STACK", "SUDO_", "XDG_", "AWS_")


@dataclass(frozen=True, kw_only=True)
class User:
    """A user by the id, and what its shells have.

    Attributes:
        uid: nobody else's; the group's id, too.
        home: its own.
        clone: of this checkout, in the home; with a commit, and the user's.
        environment: of its shells; what is added here, all of them have.
    """

    uid: int
    home: Path
    clone: Path
    environment: dict[str, str] = field(repr=False)

    def run(
        self,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        input_text: str | None = None,
        timeout_s: float = 900,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this user, in the clone or another folder, and return what it said, whatever its status."""
        return subprocess.run(
            command,
            cwd=folder or self.clone,
            env={**self.environment, **variables},
            input=input_text,
            check=False,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            user=self.uid,
            group=self.uid,
            extra_groups=[],
        )

    def shell(self, lines: str, **variables: str) -> str:
        """Run lines in a shell that ends at the first failure; they must succeed. Returns what they printed."""
        result = self.run([*SHELL, lines], **variables)
        assert result.returncode == 0, f"{lines}\n{result.stdout}{result.stderr}"
        return result.stdout

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `make` in the clone."""
        return self.run(["make", *arguments], **variables)

    def commit(self, message: str) -> str:
        """Commit whatever has changed in the clone, and return the commit's full name."""
        name = ("-c", "user.name=guest", "-c", "user.email=guest@localhost")
        self.shell("git add --all")
        assert self.run(["git", *name, "commit", "--quiet", f"--message={message}"]).returncode == 0
        return self.shell("git rev-parse HEAD").strip()

    def write(self, path: Path, text: str) -> None:
        """Write a file in the home, and the folders that lead to it, all of them this user's."""
        missing = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for made in (path, *missing):
            os.chown(made, self.uid, self.uid)


@contextlib.contextmanager
def user_without_rights(cluster: str) -> Iterator[User]:
    """Make a user while the context lasts.

    Args:
        cluster: name of the cluster that the clone's workspace is for; nothing of it is told to the user.
    """
    uid = _free_uid()
    # beside this process's own temporary folders, which are closed to others
    home = Path(tempfile.mkdtemp(prefix="guest-", dir="/var/tmp"))
    try:
        clone = workspace_in(home, cluster).folder
        _copy_caches(home / ".cache")
        (home / "run").mkdir()
        (home / "bin").mkdir()
        _link(_kubectl(), str(home / "bin" / "kubectl"))
        _hand_over(home, uid)
        yield User(uid=uid, home=home, clone=clone, environment=_environment(home))
    finally:
        shutil.rmtree(home)


def _free_uid() -> int:
    uid = _FIRST_UID
    with contextlib.suppress(KeyError):
        while pwd.getpwuid(uid):
            uid += 1
    return uid


def _environment(home: Path) -> dict[str, str]:
    """What a login gives, and of this process's own what is not about its user."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    path = [folder for folder in kept["PATH"].split(os.pathsep) if _is_open(Path(folder))]
    return {
        **kept,
        "PATH": os.pathsep.join([str(home / "bin"), *path]),
        "HOME": str(home),
        "USER": "platform",
        "LOGNAME": "platform",
        "XDG_RUNTIME_DIR": str(home / "run"),
    }


def _kubectl() -> str:
    """The kubectl that this process would run: whoever works with a cluster has one."""
    found = shutil.which("kubectl", path=environment()["PATH"])
    assert found, "kubectl is not built: python3 -m tools build --only pulumi"
    return found


def _is_open(folder: Path) -> bool:
    """Whether everybody may look into a folder."""
    return folder.is_dir() and all(part.stat().st_mode & 0o005 == 0o005 for part in (folder, *folder.parents))


def _copy_caches(target: Path) -> None:
    """Give what is built and downloaded already: it is the same for all, and no part of the story."""
    cache, own = Cache.of_user(), target / "densenet-triton"
    found = [cache.found(tool) for tool in chosen(catalogue(), "pulumi")]
    folders = [folder for folder in (*found, uv_folder(cache.folder)) if folder and folder.is_dir()]
    for folder in folders:
        _share(folder, own / "tools" / folder.name)
    (own / "images").mkdir(parents=True)
    for image in IMAGES:
        archive = cache_folder() / "images" / f"{image}-{content_tag(image)}.tar"
        _link(str(archive), str(own / "images" / archive.name))
    downloads = cache_folder().with_name("uv")
    if downloads.is_dir():
        shutil.copytree(downloads, target / "uv", symlinks=True)


def _share(folder: Path, target: Path) -> None:
    shutil.copytree(folder, target, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> str:
    """Have a file under another name, without its bytes a second time where the disk can do that."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        return str(shutil.copy2(source, target))
    return target


def _hand_over(folder: Path, uid: int) -> None:
    """Give a user a folder with all in it; a file with two names stays whose it is, and can be read."""
    for path, _, files in os.walk(folder):
        os.chown(path, uid, uid)
        for name in files:
            file = Path(path, name)
            if file.lstat().st_nlink == 1:
                os.chown(file, uid, uid, follow_symlinks=False)
