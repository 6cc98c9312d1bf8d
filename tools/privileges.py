"""Under sudo: what needs root is done as root, and all else as the user who called, so that what arises is that user's.

The checkout decides whether anything changes hands: where it is not the caller's but, say, root's own, nothing does.
"""

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES_IN_THE_MAKING = ".build"
"""The folder in which images are built, beside those that are done: it never changes hands."""

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The user behind sudo.

    Attributes:
        name: of the user.
        uid: user id, not root's.
        gid: of the user's own group.
        home: the home folder.
    """

    name: str
    uid: int
    gid: int
    home: str


def caller(environment: Mapping[str, str], checkout: Path = ROOT) -> Caller | None:
    """Return the user behind sudo; None where there is none, where the checkout is another's, or without root's rights.

    Args:
        environment: sudo's SUDO_UID is read.
        checkout: the folder that the user works in.
    """
    uid = environment.get("SUDO_UID", "")
    if not hasattr(os, "setresuid"):  # macOS, where nothing is done as root
        return None
    if os.geteuid() != 0 or not uid.isdecimal() or int(uid) == 0:
        return None
    try:
        user = pwd.getpwuid(int(uid))
    except KeyError:
        return None
    if checkout.stat().st_uid != user.pw_uid:
        return None
    return Caller(name=user.pw_name, uid=user.pw_uid, gid=user.pw_gid, home=user.pw_dir)


def become_caller(checkout: Path = ROOT) -> None:
    """Under sudo, be the user who called from here on, but for what is done `as_root`.

    What an earlier run of root's has left becomes that user's first. The programs that this process starts are that
    user's for good.

    Args:
        checkout: the folder that the user works in.
    """
    user = caller(os.environ, checkout)
    if user is None:
        return
    if os.environ.get("HOME", "") in {"", _home_of_root()}:
        os.environ["HOME"] = user.home
    os.environ |= {"USER": user.name, "LOGNAME": user.name}
    hand_over(checkout / "tools", user)  # where root's Python has just put its bytecode
    for folder in (checkout / ".venv", *_own_folders()):
        if _is_left_by_root(folder):
            hand_over(folder, user)
    os.initgroups(user.name, user.gid)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, 0)
    with suppress(OSError):  # whoever writes there says so
        cache_folder().mkdir(parents=True, exist_ok=True)  # before root does, with all that leads to it


@contextmanager
def on_behalf_of_caller(checkout: Path = ROOT) -> Iterator[None]:
    """Be the user behind sudo while the context lasts; however it ends, what root has made meanwhile is that user's."""
    become_caller(checkout)
    try:
        yield
    finally:
        give_to_caller(checkout, cache_folder(), checkout=checkout)


@contextmanager
def as_root() -> Iterator[None]:
    """Be root while the context lasts, where `become_caller` has kept the right to it; anybody else stays who he is."""
    users = _user_ids()
    if users[1] == 0 or users[-1] != 0:
        yield
        return
    groups, others = os.getresgid(), os.getgroups()
    os.setresuid(0, 0, 0)
    os.setresgid(0, 0, 0)
    os.setgroups([0])
    try:
        yield
    finally:
        os.setgroups(others)
        os.setresgid(*groups)
        os.setresuid(users[0], users[1], users[-1])


def home_of_process() -> dict[str, str]:
    """Return HOME for programs that are started `as_root`: root's own, so that they leave nothing in the caller's."""
    return {"HOME": _home_of_root()} if caller(os.environ) else {}


def cache_of_caller() -> dict[str, str]:
    """Return XDG_CACHE_HOME for what root runs in another checkout: what is built for the caller's serves there too."""
    if "XDG_CACHE_HOME" in os.environ or not (user := caller(os.environ)):
        return {}
    return {"XDG_CACHE_HOME": str(Path(user.home) / ".cache")}


def give_to_caller(*paths: Path, checkout: Path = ROOT) -> None:
    """Under sudo, give files and folders to the user who called, as `hand_over` does; otherwise change nothing."""
    with as_root():
        if user := caller(os.environ, checkout):
            for path in paths:
                hand_over(path, user)


def hand_over(path: Path, user: Caller) -> None:
    """Give a user a file, or a folder with all in it: what is root's there and no other's, and no link is followed."""
    with suppress(FileNotFoundError, NotADirectoryError):
        _give(path, user, at=None)
        if not stat.S_ISDIR(path.lstat().st_mode):
            return
        descriptor = os.open(path, _OPEN_FOLDER)
        try:
            for _, folders, files, folder in os.fwalk(".", dir_fd=descriptor, follow_symlinks=False):
                if IMAGES_IN_THE_MAKING in folders:  # their files' owners are part of them
                    folders.remove(IMAGES_IN_THE_MAKING)
                for name in (*folders, *files):
                    with suppress(FileNotFoundError):  # it was removed meanwhile
                        _give(name, user, at=folder)
        finally:
            os.close(descriptor)


def cache_folder() -> Path:
    """Return the project's part of the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "densenet-triton"


def _user_ids() -> tuple[int, ...]:
    """Return the real and the effective user id and, where the system tells it, the saved one."""
    return os.getresuid() if hasattr(os, "getresuid") else (os.getuid(), os.geteuid())


def _give(name: str | Path, user: Caller, *, at: int | None) -> None:
    if os.stat(name, dir_fd=at, follow_symlinks=False).st_uid == 0:
        os.chown(name, user.uid, user.gid, dir_fd=at, follow_symlinks=False)


def _is_left_by_root(folder: Path) -> bool:
    """Whether root owns a folder, or something right in it."""
    try:
        return any(path.lstat().st_uid == 0 for path in (folder, *folder.iterdir()))
    except OSError:  # not there, or where root has no say
        return False


def _own_folders() -> Iterator[Path]:
    """Yield what of a user's home is this project's, or Pulumi's."""
    yield cache_folder()
    yield Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "densenet-triton"
    yield Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def _home_of_root() -> str:
    return pwd.getpwuid(0).pw_dir
