"""Where a model comes from: the configuration's ``model.source``, one group a kind."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from infra.config.group import Group
from infra.config.text import Sha256, SourceUrl, StoragePath, path_from_file_url


class FixtureSource(Group):
    """The project's own DenseNet-121, made at build time; it knows the rendered pictures only."""

    kind: Literal["fixture"] = Field(description="The project's own model.", examples=["fixture"])


class OnnxSource(Group):
    """Any ONNX image classifier, named by its bytes."""

    kind: Literal["onnx"] = Field(description="An ONNX file.", examples=["onnx"])
    url: SourceUrl = Field(
        description="Where the file is, percent-encoded or not; `file:///path` works on local clusters only.",
        examples=["https://example.org/model.onnx"],
    )
    sha256: Sha256 = Field(description="SHA-256 of the file, as `sha256sum` prints it.", examples=["<64 hex digits>"])

    @property
    def local_path(self) -> Path | None:
        """The file on the user's disk that a ``file://`` URL names, else None."""
        return path_from_file_url(self.url)


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


Source = Annotated[FixtureSource | OnnxSource | PrebuiltSource, Field(discriminator="kind")]
