"""What one build reads: spec.json, labels.txt and the expected pictures, which may have to be fetched.

A source that is fetched has its URL in a file of its own, ``source-url``: it may have a password or a signature in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from contract.downloads import fetched
from contract.errors import LabelsError, PictureError, UrlError
from contract.labels import labels_from_bytes
from contract.pictures import picture_from_bytes
from contract.urls import SOURCE_URL_FILE
from model_build.digest import sha256_of_bytes
from model_build.errors import InputsError
from model_build.spec import PictureSpec, Spec, spec_from_json

LARGEST_PICTURE_BYTES: Final = 64 << 20
"""A picture by URL of more is not fetched."""


@dataclass(frozen=True, kw_only=True)
class BuildInputs:
    """Everything that the caller gives a build.

    Attributes:
        labels: one label for each class, in the classes' order.
        files: the expected pictures' files that came with it, by their SHA-256.
    """

    spec: Spec
    labels: tuple[str, ...]
    files: Mapping[str, bytes]

    def pictures(self, downloads: Path) -> tuple[Image.Image, ...]:
        """Decode the expected pictures, RGB, in the specification's order.

        Args:
            downloads: the folder that keeps those that are fetched.

        Raises:
            InputsError: one cannot be had, or is no picture.
        """
        return tuple(self._picture(picture, downloads) for picture in self.spec.expect)

    def _picture(self, picture: PictureSpec, downloads: Path) -> Image.Image:
        try:
            if picture.url is None:
                return picture_from_bytes(self.files[picture.sha256], name=f"the expected picture {picture.sha256}")
            file = fetched(picture.url, picture.sha256, downloads, largest_bytes=LARGEST_PICTURE_BYTES)
            return picture_from_bytes(file.read_bytes(), name=picture.shown)
        except (PictureError, UrlError) as error:
            raise InputsError(f"expect.image: {error}") from error


def inputs_from_folder(folder: Path) -> BuildInputs:
    """Read and check a build's inputs.

    Raises:
        InputsError: a file is missing or is not what it must be.
    """
    spec = spec_from_json(
        _bytes(folder / "spec.json"), name=str(folder / "spec.json"), source_url=_source_url(folder / SOURCE_URL_FILE)
    )
    labels = labels_from_file(folder / "labels.txt")
    for picture in spec.expect:
        for key, value, accepted in picture.expectation.faults(len(labels)):
            raise InputsError(f"expect.{key} is {value}; accepted: {accepted}, by {folder / 'labels.txt'}")
    files = {picture.sha256: _bytes(folder / picture.sha256) for picture in spec.expect if picture.url is None}
    for sha256, data in files.items():
        if (found := sha256_of_bytes(data)) != sha256:
            raise InputsError(f"{folder / sha256} has sha256 {found}; accepted: the file that its name says")
    return BuildInputs(spec=spec, labels=labels, files=files)


def _source_url(path: Path) -> str | None:
    """The URL that a file holds, without the line's end that an editor adds; None where there is none."""
    return _bytes(path).decode(errors="replace").strip() if path.exists() else None


def labels_from_file(path: Path) -> tuple[str, ...]:
    """Read a labels file, one label a line.

    Raises:
        InputsError: it is missing or no labels file.
    """
    try:
        return labels_from_bytes(_bytes(path), name=str(path))
    except LabelsError as error:
        raise InputsError(str(error)) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputsError(
            f"{path}: {error.strerror}; accepted: a folder with spec.json, labels.txt and the expected pictures"
        ) from error
