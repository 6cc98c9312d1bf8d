"""Building the project's images with buildah, on a Debian base by mmdebstrap: no Docker, no registry.

The Containerfiles are ordinary ones. What they download from PyPI is fetched here instead and handed in, so that the
machine's own proxies, certificates and indexes apply. All that a build leaves lies in one scratch folder.
"""

import contextlib
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from deploy.errors import ImageError, ProgramMissingError
from deploy.images.registry import login_command
from infra.images import LOCAL_REGISTRY, base_image, debian_base, reference, takes_serving
from tools.privileges import home_of_process

# Of a stable release, where no mirror is named, the updates and the security updates come with it.
_MMDEBSTRAP = (
    "mmdebstrap",
    "--variant=apt",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=force-unsafe-io",
)
_WHEEL_PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in range(17, 37)), "manylinux2014_x86_64")
_PYTHON_MIRROR = "UV_PYTHON_INSTALL_MIRROR"  # uv's own setting: where it downloads a Python from
_WHEELS_INSIDE = "/mnt"  # a folder that every base has: mounting there leaves no trace in the image
_STEP = re.compile(r"STEP .*: (ADD|COPY|RUN) |^I: (running apt-get|downloading|extracting|installing|creating) ")
_LINE_COLUMNS = 120
_REASON_COLUMNS = 300
_SUBORDINATE_IDS = Path("/etc/subuid")
_FULL_DISK_MIB = 64  # with less left, that is why a build has failed, whatever it said
_NO_SPACE = re.compile("no space left on device|write on closed pipe", re.IGNORECASE)  # the latter is buildah's way
_NO_NETWORK = re.compile(
    "could not resolve|failed to fetch|connection (refused|failed|timed out)|retrying|from versions: none",
    re.IGNORECASE,
)


class ImageBuilder:
    """Builds images one after the other in a scratch folder of its own.

    Args:
        repository: where the images' files lie; they must not change while the builder is in use.
        scratch: a folder that the caller removes afterwards, whatever happened.
        cache: where finished Debian bases are kept.
        serving: full reference of the serving image, for images that are built on it.
        lock: descriptor that must stay open as long as any process of the build runs.
    """

    def __init__(self, *, repository: Path, scratch: Path, cache: Path, serving: str, lock: int) -> None:
        self._repository = repository
        self._scratch = scratch
        self._cache = cache
        self._serving = serving
        self._lock = lock
        self._known: set[str] = set()
        self._buildah = ("buildah", f"--root={scratch / 'storage'}", f"--runroot={scratch / 'run'}")

    def build(self, image: str) -> None:
        """Build an image, under its local reference, on Debian, on an image known here, or on the serving image."""
        _require("buildah")
        _require_rights(image)
        on = self._base_argument(image)
        wheels = self._downloaded_wheels(image)
        mirror = os.environ.get(_PYTHON_MIRROR)
        self._run(
            image,
            *(*self._buildah, "bud", "--isolation=chroot", f"--tag={self._reference(image)}", f"--build-arg={on}"),
            *(f"--volume={wheels}:{_WHEELS_INSIDE}:ro", f"--build-arg=PIP_FIND_LINKS={_WHEELS_INSIDE}"),
            *((f"--build-arg={_PYTHON_MIRROR}={mirror}",) if mirror else ()),
            *("--build-arg=PIP_NO_INDEX=1", f"--file={self._folder(image) / 'Containerfile'}", str(self._repository)),
        )
        self._known.add(image)

    def archive(self, image: str, target: Path) -> None:
        """Write a built image as an OCI archive, whole or not at all."""
        scratch = self._scratch / target.name
        name = self._reference(image)
        self._run(image, *self._buildah, "push", "--quiet", "--format=oci", name, f"oci-archive:{scratch}:{name}")
        _publish(scratch, target)

    def load(self, image: str, archive: Path) -> None:
        """Make an archived image known to this builder, unless it was built here."""
        if image not in self._known:
            self._run(image, *self._buildah, "pull", "--quiet", f"oci-archive:{archive}")
            self._known.add(image)

    def push(self, image: str, registry: str) -> tuple[str, str]:
        """Push an image that this builder knows; return its reference and its digest in the registry."""
        return self._push(image, registry, *self._buildah, "push", "--quiet", source=self._reference(image))

    def push_archive(self, image: str, archive: Path, registry: str) -> tuple[str, str]:
        """Push an archived image as it is, which wants no root; return its reference and its digest in the registry."""
        _require("skopeo")
        return self._push(image, registry, "skopeo", "copy", "--quiet", source=f"oci-archive:{archive}")

    def _push(self, image: str, registry: str, *command: str, source: str) -> tuple[str, str]:
        target, digest = self._reference(image, registry), self._scratch / f"{image}.digest"
        try:
            self._run(image, *command, f"--digestfile={digest}", source, f"docker://{target}")
        except ImageError as error:
            login = login_command(target.partition("/")[0])
            raise ImageError(f"{target} was not pushed; where the registry wants a login: {login}; {error}") from error
        return target, digest.read_text().strip()

    def _base_argument(self, image: str) -> str:
        """The build argument that names what an image is built on; Debian is made where that is needed."""
        if takes_serving(image, repository=self._repository):
            return f"SERVING={self._serving}"
        if base := base_image(image, repository=self._repository):
            return f"SERVING={self._reference(base)}"
        debian = debian_base(image, repository=self._repository)
        if debian is None:
            raise ImageError(
                f"images/{image}/Containerfile names no base that can be made here; "
                "accepted: ARG BASE=docker.io/library/debian:<suite>-<yyyymmdd>-slim"
            )
        return f"BASE={self._debian(debian)}"

    def _debian(self, debian: str) -> str:
        """Return the local reference of a dated Debian, which is made once for each date, with its updates of then."""
        name = f"{LOCAL_REGISTRY}/{debian}"
        tag = debian.partition(":")[2]
        key = hashlib.sha256("\0".join((*_MMDEBSTRAP, tag)).encode()).hexdigest()[:16]
        base = self._cache / f"debian-{tag}-{key}.tar"
        if not base.exists():
            _require("mmdebstrap")
            scratch = self._scratch / base.name
            self._run("debian", *_MMDEBSTRAP, tag.partition("-")[0], str(scratch))
            _publish(scratch, base)
        containerfile = self._scratch / "Containerfile"
        containerfile.write_text(f"FROM scratch\nADD {base.name} /\n")
        self._run("debian", *self._buildah, "bud", f"--file={containerfile}", f"--tag={name}", str(self._cache))
        return name

    def _downloaded_wheels(self, image: str) -> Path:
        """Download the locked wheels, as they must be for the image's Python."""
        wheels = self._scratch / "wheels" / image
        wheels.mkdir(parents=True)
        for lock in sorted(self._folder(image).rglob("*.lock")):
            say(f"images: {image}: downloading the packages of {lock.name}")
            self._run(
                image,
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
                *("--require-hashes", "--only-binary=:all:", "--implementation=cp", "--python-version=3.11"),
                *(f"--platform={platform}" for platform in _WHEEL_PLATFORMS),
                *(f"--dest={wheels}", f"--requirement={lock}"),
            )
        return wheels

    def _reference(self, image: str, registry: str = LOCAL_REGISTRY) -> str:
        return reference(image, registry, serving=self._serving, repository=self._repository)

    def _folder(self, image: str) -> Path:
        return self._repository / "images" / image

    def _run(self, image: str, *command: str) -> None:
        """Run one command of a build with its steps shown; all that it says is kept in the cache until the next."""
        # In a mount namespace of its own even a killed build leaves no mount behind.
        wrapped = ("unshare", "--mount", *command) if os.geteuid() == 0 else command
        log = self._cache / f"{image}.log"
        with (
            subprocess.Popen(
                wrapped,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env={**os.environ, **home_of_process(), "TMPDIR": str(self._scratch)},
                pass_fds=(self._lock,),
            ) as process,
            log.open("w") as file,
        ):
            try:
                _follow(process, file, f"images: {image}: ")
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode != 0:
            raise ImageError(f"image {image}: {self._reason(log.read_text())}; all that was said: {log}")
        log.unlink()

    def _reason(self, output: str) -> str:
        """Name the cause of a failure in one line."""
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        if _NO_SPACE.search(output) or shutil.disk_usage(self._scratch).free < _FULL_DISK_MIB * 1024**2:
            return f"the disk of {self._cache} is full; free some, or set XDG_CACHE_HOME to another"
        if found := next((line for line in reversed(lines) if _NO_NETWORK.search(line)), None):
            return f"the network failed ({_shortened(found, _REASON_COLUMNS)}); repeat when it is there"
        return _shortened(lines[-1], _REASON_COLUMNS) if lines else "the build was ended from outside"


def _require(program: str) -> None:
    if shutil.which(program) is None:
        raise ProgramMissingError(f"{program} is not on PATH; have it installed: make tools")


def _require_rights(image: str) -> None:
    """See that this user may build: as root, or with user ids to hand out to an image's files.

    Raises:
        ImageError: neither.
    """
    uid = os.geteuid()
    if uid == 0:
        return
    with contextlib.suppress(KeyError):
        names = {str(uid), pwd.getpwuid(uid).pw_name}
        owners = {line.partition(":")[0] for line in _SUBORDINATE_IDS.read_text().splitlines()}
        if names & owners:
            return
    raise ImageError(
        f"image {image} is to be built, which wants root, or user ids to hand out to its files ({_SUBORDINATE_IDS} has "
        "none for this user); accepted: the archive of an image that was built already, which needs neither; build it: "
        "sudo make images …, or have ids: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $USER"
    )


def _follow(process: subprocess.Popen[str], log: TextIO, prefix: str) -> None:
    for line in process.stdout or ():
        log.write(line)
        if _STEP.search(line):
            say(f"{prefix}{line.strip()}")


def _publish(finished: Path, target: Path) -> None:
    with finished.open("rb") as file:
        os.fsync(file.fileno())
    finished.rename(target)


def remove_scratch(folder: Path) -> None:
    """Remove a builder's scratch folder: without root, files there belong to user ids that buildah alone can act as.

    Raises:
        OSError: something of it stays.
    """
    with contextlib.suppress(PermissionError):
        shutil.rmtree(folder)
        return
    if subprocess.run(("buildah", "unshare", "rm", "-rf", str(folder)), check=False).returncode != 0:
        raise OSError(f"{folder} could not be removed")


def say(line: str) -> None:
    """Show a line of progress."""
    print(_shortened(line), file=sys.stderr, flush=True)  # noqa: T201 - progress


def _shortened(line: str, columns: int = _LINE_COLUMNS) -> str:
    return line if len(line) <= columns else f"{line[: columns - 1]}…"
