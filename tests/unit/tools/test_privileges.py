"""What sudo does, with `nobody` as the user who calls: a process of root's, SUDO_UID, and the user's own checkout."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.catalogue import FOLDER
from tools.privileges import caller

NOBODY = pwd.getpwnam("nobody")
SYSTEM_PYTHON = Path("/usr/bin/python3")  # root's own may lie where nobody else can read it
UV = """#!/bin/sh
echo "$1" >>"$HOME/uv.log"
mkdir -p .venv/bin
echo "#!/bin/true $(id -u)" >.venv/bin/python
chmod +x .venv/bin/python
"""
APT = '#!/bin/sh\nid -u >"$APT_LOG"\n'

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not SYSTEM_PYTHON.exists(), reason="only root can be what sudo makes of a user"
)


@dataclass(frozen=True)
class User:
    """Folders of a user who has sudo."""

    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def sudo(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the checkout, as sudo does."""
        given = {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "SUDO_UID": str(NOBODY.pw_uid),
            "SUDO_GID": str(NOBODY.pw_gid),
        }
        return subprocess.run(
            [str(SYSTEM_PYTHON), *command],
            cwd=self.checkout, env=given | environment, check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def owners(self) -> dict[str, str]:
        """Everything that is not the user's, with its owner."""
        paths = [path for folder in (self.checkout, self.home) for path in (folder, *folder.rglob("*"))]
        owners = {str(path.relative_to(self.folder)): path.lstat().st_uid for path in paths}
        return {path: pwd.getpwuid(uid).pw_name for path, uid in owners.items() if uid != NOBODY.pw_uid}


@pytest.fixture
def user() -> Iterator[User]:
    folder = Path(tempfile.mkdtemp(prefix="sudo-"))
    folder.chmod(0o755)
    made = User(folder)
    made.home.mkdir()
    shutil.copytree(FOLDER, made.checkout / "tools", ignore=shutil.ignore_patterns("__pycache__", "go"))
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(FOLDER.parent / name, made.checkout)
    for path in (made.home, made.checkout, *made.checkout.rglob("*")):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    for name, text in {"uv": UV, "apt-get": APT, "apt-cache": "#!/bin/sh\n"}.items():
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    yield made
    shutil.rmtree(folder)


def test_the_environment_is_the_callers(user: User) -> None:
    answer = user.sudo("-m", "tools", "venv")

    assert answer.returncode == 0, answer.stderr
    assert (user.checkout / ".venv" / "bin" / "python").read_text() == f"#!/bin/true {NOBODY.pw_uid}\n"
    assert (user.home / "uv.log").exists()
    assert user.owners() == {}


def test_images_in_the_making_do_not_change_hands(user: User) -> None:
    images = user.home / ".cache" / "densenet-triton" / "images"
    in_the_making = images / ".build" / "etc" / "shadow"
    in_the_making.parent.mkdir(parents=True)
    for path in (in_the_making, images / "an-archive"):
        path.touch()

    answer = user.sudo("-m", "tools", "venv")

    assert answer.returncode == 0, answer.stderr
    assert (in_the_making.stat().st_uid, (images / "an-archive").stat().st_uid) == (0, NOBODY.pw_uid)


def test_what_root_has_left_becomes_the_callers_and_no_link_is_followed(user: User) -> None:
    victim = user.folder / "victim"
    victim.mkdir()
    (victim / "secret").touch()
    left = [user.checkout / ".venv", user.home / ".local" / "state" / "densenet-triton", user.home / ".pulumi"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "deeper").mkdir()
        (folder / "deeper" / "file").touch()
        (folder / "link").symlink_to(victim)
    for parent in (user.home / ".local", user.home / ".local" / "state"):
        os.chown(parent, NOBODY.pw_uid, NOBODY.pw_gid)

    answer = user.sudo("-m", "tools", "venv")

    assert answer.returncode == 0, answer.stderr
    assert user.owners() == {}
    assert [path.stat().st_uid for path in (victim, victim / "secret")] == [0, 0]


def test_sudo_s_home_is_root_s_and_the_caller_s_is_taken(user: User) -> None:
    code = "import os; from tools.privileges import become_caller; become_caller(); print(os.environ['HOME'])"

    assert user.sudo("-c", code, HOME=pwd.getpwuid(0).pw_dir).stdout == f"{NOBODY.pw_dir}\n"
    assert user.sudo("-c", code).stdout == f"{user.home}\n"


WORK = """
import os, subprocess
from pathlib import Path
from tools.privileges import as_root, cache_folder, home_of_process, on_behalf_of_caller

def who():
    said = subprocess.run(["sh", "-c", "id -u; id -g; id -G"], capture_output=True, text=True).stdout.split()
    print(*said, home_of_process().get("HOME"))

with on_behalf_of_caller():
    who()
    Path("by-the-caller").touch()
    assert 0 in os.getresuid()
    with as_root():
        who()
        (cache_folder() / "images").mkdir()
        (cache_folder() / "images" / "an-archive").touch()
        with as_root():
            Path("by-root").touch()
    who()
    raise KeyboardInterrupt
"""


def test_root_s_steps_are_root_s_and_what_they_leave_is_the_callers_however_it_ends(user: User) -> None:
    answer = user.sudo("-c", WORK)

    nobody = f"{NOBODY.pw_uid} {NOBODY.pw_gid} {NOBODY.pw_gid} None"
    root_home = pwd.getpwuid(0).pw_dir
    assert answer.stdout.splitlines() == [nobody, f"0 0 0 {root_home}", nobody], answer.stderr
    assert answer.stderr.endswith("KeyboardInterrupt\n")
    assert (user.checkout / "by-root").exists()
    assert (user.home / ".cache" / "densenet-triton" / "images" / "an-archive").exists()
    assert user.owners() == {}


def test_debian_s_packages_are_installed_by_root(user: User) -> None:
    code = (
        "from tools import debian; from tools.privileges import become_caller; become_caller(); "
        "debian.missing_packages = lambda *_: ['runc']; debian.install_missing(None)"
    )

    answer = user.sudo("-c", code, APT_LOG=str(user.folder / "apt.log"))

    assert answer.returncode == 0, answer.stderr
    assert (user.folder / "apt.log").read_text() == "0\n"


def test_a_checkout_of_root_s_own_stays_root_s(user: User) -> None:
    os.chown(user.checkout, 0, 0)

    answer = user.sudo("-m", "tools", "venv")

    assert answer.returncode == 0, answer.stderr
    assert (user.checkout / ".venv" / "bin" / "python").read_text() == "#!/bin/true 0\n"


def test_what_root_runs_elsewhere_finds_what_is_built_for_the_caller(user: User) -> None:
    code = "from tools.privileges import cache_of_caller; print(cache_of_caller().get('XDG_CACHE_HOME'))"

    assert user.sudo("-c", code).stdout == f"{NOBODY.pw_dir}/.cache\n"
    assert user.sudo("-c", code, XDG_CACHE_HOME="/chosen").stdout == "None\n"
    assert user.sudo("-c", code, SUDO_UID="0").stdout == "None\n"


def test_a_system_without_saved_user_ids_changes_nobody(user: User) -> None:
    code = (
        "import os; del os.getresuid, os.setresuid, os.getresgid, os.setresgid; "
        "from tools.privileges import *; become_caller(); print(os.geteuid(), home_of_process())\n"
        "with as_root(): print(os.geteuid())"
    )

    answer = user.sudo("-c", code)

    assert answer.stdout == "0 {}\n0\n", answer.stderr


@pytest.mark.parametrize("uid", ["", "0", "-1", "nonsense", "4294967294"])
def test_without_a_caller_nothing_changes(user: User, uid: str) -> None:
    assert caller({"SUDO_UID": uid}, user.checkout) is None


def test_the_caller_is_told_by_sudo(user: User) -> None:
    found = caller({"SUDO_UID": str(NOBODY.pw_uid)}, user.checkout)

    assert found is not None
    assert (found.name, found.uid, found.gid, found.home) == ("nobody", NOBODY.pw_uid, NOBODY.pw_gid, NOBODY.pw_dir)


CLUSTER = """
import os, sys
from pathlib import Path
from deploy.cluster import Cluster
from infra.config import cluster_from_yaml
from tools.privileges import on_behalf_of_caller

with on_behalf_of_caller():
    config = cluster_from_yaml(Path("Pulumi.dev.yaml"))
    Cluster(config=config, environment=dict(os.environ)).start()
    print(os.geteuid(), config.kubeconfig_path.read_text())
"""
LOCAL_CLUSTER = """
import os
from pathlib import Path
kubeconfig = Path(os.environ["KUBECONFIG_WRITTEN"])
kubeconfig.touch(mode=0o600)
kubeconfig.write_text(f"{os.getuid()} {os.environ['HOME']}")
"""


def test_the_cluster_is_root_s_and_its_kubeconfig_the_callers(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, kubeconfig = FOLDER.parent, user.folder / "kubeconfig"
    for folder in ("deploy", "infra"):
        shutil.copytree(repository / folder, user.checkout / folder)
    (user.checkout / "local_cluster").mkdir()
    (user.checkout / "local_cluster" / "__init__.py").touch()
    (user.checkout / "local_cluster" / "__main__.py").write_text(LOCAL_CLUSTER)
    values = {"context": "embedded-nobody", "namespace": "mine", "kubeconfig": str(kubeconfig)}
    (user.checkout / "Pulumi.dev.yaml").write_text(json.dumps({"config": {"densenet-triton:cluster": values}}))
    monkeypatch.setattr(sys.modules[__name__], "SYSTEM_PYTHON", sys.executable)  # which has the packages

    answer = user.sudo("-c", CLUSTER, KUBECONFIG_WRITTEN=str(kubeconfig))

    assert answer.stdout == f"{NOBODY.pw_uid} 0 {pwd.getpwuid(0).pw_dir}\n", answer.stderr
    assert (kubeconfig.stat().st_uid, kubeconfig.stat().st_mode & 0o777) == (NOBODY.pw_uid, 0o600)
    assert user.owners() == {}
