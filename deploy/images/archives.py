"""The project's images as archives in the user's cache: built once for each content, for all clones."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import ImageError
from deploy.images.builder import ImageBuilder, remove_scratch, say
from deploy.images.registry import digest_in_registry
from infra.images import REPOSITORY, base_image, content_tag, is_own, reference, sources, takes_serving
from tools.privileges import IMAGES_IN_THE_MAKING, cache_folder

_KEPT_ARCHIVES = 3
_NEEDED_MIB = 2 * 1024
_NEEDED_ON_SERVING_MIB = 45 * 1024  # a Triton with TensorRT: pulled, unpacked, and the layers that are built on it


def are_built(images: Sequence[str], *, serving: str = "") -> bool:
    """Whether `build_images` would find every archive."""
    return all(_archive(image, serving).exists() for image in images)


def build_images(images: Sequence[str], *, serving: str = "") -> Mapping[str, Path]:
    """Return images' OCI archives by name, `<cache>/<image>-<content tag>.tar`, building those that are missing.

    Args:
        images: folders of `images/`.
        serving: full reference of the stack's serving image, for images that are built on it.

    Raises:
        ImageError: one could not be built; the text says why and where all of the build's output is.
        ProgramMissingError: a program that builds images is not on PATH.
    """
    if are_built(images, serving=serving):
        return {image: _archive(image, serving) for image in images}
    with _workshop(images, serving) as workshop:
        return {image: workshop.archive_of(image) for image in images}


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """An image that lies in a registry.

    Attributes:
        reference: its full name there, under its content tag.
        digest: that the registry knows it by, "sha256:…".
    """

    reference: str
    digest: str

    @property
    def pin(self) -> str:
        """The reference that nobody can move."""
        return f"{self.reference}@{self.digest}"


def push_images(images: Sequence[str], registry: str, *, serving: str = "") -> dict[str, Pushed]:
    """Push images to a registry under their content tags, with the login that the user has there.

    What lies there under its tag is of that content: it is neither built nor pushed again. Those that are built on the
    serving image go there from the builder: their archives would fill the cache.

    Args:
        images: folders of `images/`.
        registry: host and path, for example "registry.example/team".
        serving: full reference of the stack's serving image, for images that are built on it.

    Returns:
        All of them, by folder.

    Raises:
        ImageError: an image could not be built or pushed.
        ProgramMissingError: a program that builds or pushes images is not on PATH.
    """
    pushed = {}
    for image in images:
        name = reference(image, registry, serving=serving)
        if digest := digest_in_registry(name):
            say(f"images: {image}: is in the registry already")
            pushed[image] = Pushed(reference=name, digest=digest)
    if missing := [image for image in images if image not in pushed]:
        with _workshop(missing, serving) as workshop:
            pushed |= {image: workshop.push(image, registry) for image in missing}
    return {image: pushed[image] for image in images}


class _Workshop:
    """A builder beside the cache, at work on a snapshot: an edit during a build can't come under a wrong tag."""

    def __init__(self, snapshot: Path, serving: str, builder: ImageBuilder) -> None:
        self._snapshot = snapshot
        self._serving = serving
        self._builder = builder

    def archive_of(self, image: str) -> Path:
        archive = _archive(image, self._serving, self._snapshot)
        if not archive.exists():
            if base := base_image(image, repository=self._snapshot):
                self._builder.load(base, self.archive_of(base))
            self._builder.build(image)
            self._builder.archive(image, archive)
            say(f"images: {image}: built, {archive.stat().st_size / 1e6:.0f} MB in {archive}")
            _prune(image)
            _prune("debian")
        return archive

    def push(self, image: str, registry: str) -> Pushed:
        if takes_serving(image, repository=self._snapshot):
            self._builder.build(image)
            name, digest = self._builder.push(image, registry)
        else:
            name, digest = self._builder.push_archive(image, self.archive_of(image), registry)
        say(f"images: {image}: pushed")
        return Pushed(reference=name, digest=digest)


@contextlib.contextmanager
def _workshop(images: Sequence[str], serving: str) -> Iterator[_Workshop]:
    """Give the only workshop of this cache, waiting for another run's to close."""
    cache = _cache()
    scratch = cache / IMAGES_IN_THE_MAKING
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as lock:
            _take(lock.fileno())
            _remove_leftovers(scratch)
            _check_room(cache, _NEEDED_ON_SERVING_MIB if any(map(takes_serving, images)) else _NEEDED_MIB)
            try:
                snapshot = _snapshot(images, scratch / "repository")
                builder = ImageBuilder(
                    repository=snapshot, scratch=scratch, cache=cache, serving=serving, lock=lock.fileno()
                )
                yield _Workshop(snapshot, serving, builder)
            finally:
                with contextlib.suppress(OSError):  # the next run removes it
                    remove_scratch(scratch)
    except OSError as error:
        raise ImageError(f"images cannot be built in {cache}: {error}; mend that, or set XDG_CACHE_HOME") from error


def _snapshot(images: Sequence[str], target: Path) -> Path:
    """Copy what makes the images, and those that they are built on, out of the repository."""
    bases = (base_image(image) for image in images)
    for image in {*images, *filter(None, bases)}:
        for file in sources(image):
            copy = target / file.relative_to(REPOSITORY)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
    return target


def _take(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("images: waiting for another run that builds images")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _remove_leftovers(scratch: Path) -> None:
    """Remove what a killed build has left."""
    if scratch.exists():
        remove_scratch(scratch)


def _check_room(cache: Path, needed_mib: int) -> None:
    free_mib = shutil.disk_usage(cache).free // 1024**2
    if free_mib < needed_mib:
        raise ImageError(
            f"building images needs {needed_mib} MiB in {cache}, where {free_mib} MiB are free; "
            "free some, or set XDG_CACHE_HOME to another disk"
        )


def _prune(name: str) -> None:
    """Remove the oldest archives of an image or of the Debian base; a few stay for other branches and clones."""
    archives = sorted(_cache().glob(f"{name}-*.tar"), key=lambda path: path.stat().st_mtime)
    for archive in archives[:-_KEPT_ARCHIVES]:
        archive.unlink()


def _archive(image: str, serving: str, repository: Path = REPOSITORY) -> Path:
    if not is_own(image, repository=repository):
        raise ImageError(f"{image!r} is no image of this project; accepted: the folders of images/")
    return _cache() / f"{image}-{content_tag(image, serving=serving, repository=repository)}.tar"


def _cache() -> Path:
    return cache_folder() / "images"
