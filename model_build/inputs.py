"""The three files that one build reads: spec.json, labels.txt and the expected image."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from model_build.digest import sha256_of_bytes
from model_build.errors import InputsError
from model_build.preprocessing import picture_from_bytes
from model_build.spec import Spec, spec_from_json


@dataclass(frozen=True, kw_only=True)
class BuildInputs:
    """Everything that the caller gives a build.

    Attributes:
        labels: one label for each class, in the classes' order.
        picture: the expected image, RGB.
        picture_sha256: of the image file's bytes.
    """

    spec: Spec
    labels: tuple[str, ...]
    picture: Image.Image
    picture_sha256: str


def inputs_from_folder(folder: Path) -> BuildInputs:
    """Read and check a build's inputs.

    Raises:
        InputsError: a file is missing or is not what it must be.
    """
    spec = spec_from_json(_text(folder / "spec.json"), name=str(folder / "spec.json"))
    labels = labels_from_text(_text(folder / "labels.txt"), name=str(folder / "labels.txt"))
    if spec.expect.class_index >= len(labels):
        raise InputsError(
            f"expect.class is {spec.expect.class_index}, but {folder / 'labels.txt'} names the classes 0 to "
            f"{len(labels) - 1}"
        )
    image = _bytes(folder / "image")
    return BuildInputs(
        spec=spec,
        labels=labels,
        picture=picture_from_bytes(image, name=str(folder / "image")),
        picture_sha256=sha256_of_bytes(image),
    )


def labels_from_text(text: str, *, name: str) -> tuple[str, ...]:
    """Split a labels file, one label a line, into the classes' labels.

    Raises:
        InputsError: an empty line, after which every class would have its neighbour's label.
    """
    labels = tuple(line.rstrip("\r") for line in text.removesuffix("\n").split("\n"))
    if labels == ("",):
        raise InputsError(f"{name} is empty; accepted: one label a line")
    if not all(label.strip() for label in labels):
        line = next(number for number, label in enumerate(labels, 1) if not label.strip())
        raise InputsError(f"{name} has an empty line {line}; accepted: one label a line")
    return labels


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise InputsError(f"{path} is not UTF-8 text: {error}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputsError(
            f"{path}: {error.strerror}; accepted: a folder with spec.json, labels.txt and image"
        ) from error
