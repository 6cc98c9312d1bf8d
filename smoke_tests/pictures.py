"""The pictures that a server is asked about: files, or URLs whose bytes are named by their digest."""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from PIL import Image

from contract.downloads import fetched
from contract.errors import PictureError, UrlError
from contract.pictures import picture_from_bytes
from contract.urls import quoted_url, shown_url
from smoke_tests.errors import OptionError

PICTURES = Path(__file__).parent / "data"
LARGEST_BYTES = 64 << 20
"""A picture that is fetched has at most so many; a file of the user's own may have more."""

_ACCEPTED = "accepted: a file, or https://host/file#sha256=<64 hex digits>"
_DIGEST = re.compile(r"sha256=([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture to ask about.

    Attributes:
        name: its path, as a person would type it, or the last part of its URL's.
        sha256: of the file.
        image: RGB, any size.
    """

    name: str
    sha256: str
    image: Image.Image = field(repr=False)

    @classmethod
    def from_option(cls, text: str, *, option: str) -> Self:
        """Read a picture, which is fetched once where it is a URL's.

        Args:
            text: a path, or a URL with its digest.
            option: what errors name.

        Raises:
            OptionError: there is no such file, nothing answers, or it is another picture, or none.
        """
        path, name = _fetched(text, option) if "://" in text else (Path(text), _typed(Path(text)))
        try:
            data = path.read_bytes()
        except OSError as error:
            raise OptionError(f"{option} {path}: {error.strerror}; {_ACCEPTED}") from None
        try:
            image = picture_from_bytes(data, name=name)
        except PictureError as error:
            raise OptionError(f"{option} {error}") from None
        return cls(name=name, sha256=hashlib.sha256(data).hexdigest(), image=image)


def _fetched(text: str, option: str) -> tuple[Path, str]:
    """Return where the picture of a URL lies, and its name."""
    url, _, fragment = text.partition("#")
    digest = _DIGEST.fullmatch(fragment)
    if digest is None:
        raise OptionError(f"{option} {shown_url(url)} does not say its bytes' digest; {_ACCEPTED}")
    try:
        quoted = quoted_url(url)
    except UrlError as error:
        raise OptionError(f"{option} {shown_url(url)} {error}") from None
    folder = _cache()
    try:
        path = fetched(quoted, digest[1], folder, largest_bytes=LARGEST_BYTES)
    except UrlError as error:
        raise OptionError(f"{option} {error}") from None
    except OSError as error:
        raise OptionError(
            f"{option} {shown_url(url)} cannot be kept in {folder}: {error.strerror}; mend that, or choose another "
            "place: export XDG_CACHE_HOME=…"
        ) from None
    return path, unquote(urlsplit(quoted).path.rpartition("/")[2]) or shown_url(url)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "densenet-triton" / "pictures"


def _typed(path: Path) -> str:
    """Return a path as it is typed from where the user stands."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
