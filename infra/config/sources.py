"""Where a model comes from: the configuration's ``model.source``, one group a kind."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from contract.packages import PACKAGES, PackagedModel
from contract.preprocessing import LARGEST_SIDE
from infra.config.group import Group
from infra.config.text import Filled, Sha256, SourceUrl, StoragePath, path_from_file_url, refusal

_GONE = "fixture"
_EXAMPLE = next(iter(PACKAGES))


def _packaged(name: Any) -> Any:
    if isinstance(name, str) and name not in PACKAGES:
        raise refusal(", ".join(PACKAGES))
    return name


class PackageSource(Group):
    """A classifier with real weights that the build's image carries: nothing is fetched."""

    kind: Literal["package"] = Field(description="A model that comes as a package.", examples=["package"])
    name: Annotated[str, BeforeValidator(_packaged)] = Field(
        description=f"Which one: {', '.join(f'`{name}`' for name in PACKAGES)}.", examples=[_EXAMPLE]
    )

    @property
    def model(self) -> PackagedModel:
        """The packaged model."""
        return PACKAGES[self.name]


def _size(value: Any) -> Any:
    """Height and width, as written: one number for both, or a pair."""
    sides = value if isinstance(value, list) else [value]
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    pair = not isinstance(value, list) or len(value) == 2  # noqa: PLR2004  a height and a width
    if not whole or not pair or not all(0 < side <= LARGEST_SIDE for side in sides):
        raise refusal(f"a number of pixels, 1 to {LARGEST_SIDE}, or [height, width]")
    return tuple(value) if isinstance(value, list) else value


class OnnxSource(Group):
    """Any ONNX image classifier, named by its bytes."""

    kind: Literal["onnx"] = Field(description="An ONNX file.", examples=["onnx"])
    url: SourceUrl = Field(
        description="Where the file is, percent-encoded or not; `file:///path` works on local clusters only, and is"
        " looked into at preview. The build alone is told of a user, a password or a signature in it, by a Secret.",
        examples=["https://example.org/model.onnx"],
    )
    sha256: Sha256 = Field(description="SHA-256 of the file, as `sha256sum` prints it.", examples=["<64 hex digits>"])
    output: Filled | None = Field(
        default=None, description="The output with the scores, of a model that has several.", examples=["logits"]
    )
    image_size: Annotated[int | tuple[int, int], BeforeValidator(_size)] | None = Field(
        default=None,
        description="Height and width of the pictures, one number or a pair, of a model that leaves its own open.",
        examples=[224],
    )

    @property
    def local_path(self) -> Path | None:
        """The file on the user's disk that a ``file://`` URL names, else None."""
        return path_from_file_url(self.url)

    @property
    def is_at_hand(self) -> bool:
        """Whether that file is there, and this user can see it."""
        path = self.local_path
        return path is not None and os.path.isfile(path)  # noqa: PTH113  Path's raises for one in a closed folder

    @property
    def height_and_width(self) -> tuple[int, int] | None:
        """The pictures' size, in pixels, where it is said."""
        return (self.image_size, self.image_size) if isinstance(self.image_size, int) else self.image_size


class PrebuiltSource(Group):
    """A Triton model repository that lies on the storage already, as after the quick start's upload."""

    kind: Literal["prebuilt"] = Field(description="A model repository on the storage.", examples=["prebuilt"])
    path: StoragePath = Field(
        description="Folder of the repository, relative to the storage.", examples=["uploads/densenet"]
    )
    sha256: Sha256 = Field(
        description="Digest of the folder: what"
        r" `find . -type f -printf '%P\0' | xargs -0 sha256sum | LC_ALL=C sort | sha256sum` prints inside it.",
        examples=["<64 hex digits>"],
    )


def _still_made(value: Any) -> Any:
    """Whoever has a file of an earlier version reads what became of its model."""
    if isinstance(value, dict) and value.get("kind") == _GONE:
        raise refusal(
            f"kind package, which has real weights ({', '.join(PACKAGES)}), onnx or prebuilt",
            found=f"is of kind {_GONE}, the model with made-up weights that earlier versions built, which is gone",
        )
    return value


Source = Annotated[
    Annotated[PackageSource | OnnxSource | PrebuiltSource, Field(discriminator="kind")], BeforeValidator(_still_made)
]


def default_preprocessing(source: PackageSource | OnnxSource | PrebuiltSource) -> str | Mapping[str, Any]:
    """The preprocessing of a model for which none is declared: what a package was trained with, else ImageNet's."""
    return source.model.preprocessing if isinstance(source, PackageSource) else "imagenet"
