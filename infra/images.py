"""The project's own images: which files make them, and the reference under which a cluster knows them.

An image is a folder of `images/`. Its tag stands for its content, so a preview can name an image without building it
and an unchanged one is never built, pushed or loaded again.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
"""The checkout; relative paths of the configuration begin here."""

LOCAL_REGISTRY = "localhost"

_TAG_DIGITS = 16
_COPIED_SUFFIXES = frozenset({".py", ".json", ".lock"})  # whatever else lies in a copied folder is a by-product
_TAKES_SERVING = re.compile(r"^ARG SERVING$", re.MULTILINE)
_BASE = re.compile(rf"^ARG SERVING={LOCAL_REGISTRY}/(?P<image>[\w-]+):latest$", re.MULTILINE)
_DEBIAN = re.compile(r"^ARG BASE=docker\.io/library/(?P<debian>debian:[a-z]+-\d{8}-slim)$", re.MULTILINE)
_COPY = re.compile(r"^COPY (?!--from)(?P<paths>.+) \S+$", re.MULTILINE)


def reference(image: str, registry: str, *, serving: str = "", repository: Path = REPOSITORY) -> str:
    """Return the full reference of an image.

    Args:
        image: a folder of `images/` ("triton-cpu"), or any other image's reference.
        registry: where the project's images are, "localhost" when they are loaded into the node.
        serving: full reference of the stack's serving image; images that are built on it are other ones for each.
        repository: the checkout.

    Returns:
        "<registry>/<image>:<content tag>" for a folder of `images/`; anything else as it was given.
    """
    if not is_own(image, repository=repository):
        return image
    return f"{registry}/{image}:{content_tag(image, serving=serving, repository=repository)}"


def is_own(image: str, *, repository: Path = REPOSITORY) -> bool:
    """Whether an image is one of the project's: a folder of `images/` by its plain name."""
    return "/" not in image and _containerfile(image, repository).is_file()


def takes_serving(image: str, *, repository: Path = REPOSITORY) -> bool:
    """Whether an image is built on the stack's serving image, whichever that is."""
    return bool(_TAKES_SERVING.search(_containerfile(image, repository).read_text()))


def content_tag(image: str, *, serving: str = "", repository: Path = REPOSITORY) -> str:
    """Return 16 hexadecimal digits over everything of the repository that makes an image, its base image included."""
    digest = hashlib.sha256()
    if takes_serving(image, repository=repository):
        digest.update(serving.encode())
    if base := base_image(image, repository=repository):
        digest.update(content_tag(base, repository=repository).encode())
    for path in sources(image, repository=repository):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(repository).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_TAG_DIGITS]


def base_image(image: str, *, repository: Path = REPOSITORY) -> str | None:
    """Return the image of the project that an image is built on, if it is one."""
    match = _BASE.search(_containerfile(image, repository).read_text())
    return match["image"] if match else None


def debian_base(image: str, *, repository: Path = REPOSITORY) -> str | None:
    """Return the dated Debian, such as "debian:bookworm-20261005-slim", that an image is built on, if it is one."""
    match = _DEBIAN.search(_containerfile(image, repository).read_text())
    return match["debian"] if match else None


def sources(image: str, *, repository: Path = REPOSITORY) -> list[Path]:
    """Return an image's Containerfile and the files that it copies from the repository, in a stable order."""
    containerfile = _containerfile(image, repository)
    copies = _COPY.finditer(containerfile.read_text())
    copied = (repository / path for match in copies for path in match["paths"].split())
    return [containerfile, *sorted(file for path in copied for file in _files(path))]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in path.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.suffix in _COPIED_SUFFIXES and not hidden and file.is_file():
            yield file


def _containerfile(image: str, repository: Path) -> Path:
    return repository / "images" / image / "Containerfile"
