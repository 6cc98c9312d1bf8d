"""Source onnx: a model file by URL, found or kept on the storage under its SHA-256."""

from typing import Final

from contract.downloads import fetched, is_plain_file
from contract.errors import UrlError
from contract.urls import shown_url
from model_build.digest import sha256_of_bytes
from model_build.errors import SourceError
from model_build.spec import OnnxSource
from model_build.storage import Storage

_LARGEST_BYTES: Final = 2 << 30
"""No ONNX file is larger: it is one protobuf message."""


def onnx_from_source(source: OnnxSource, storage: Storage) -> bytes:
    """Give the source's file, fetched onto the storage where it is not there yet.

    Args:
        source: the URL and the SHA-256 that its bytes must have.
        storage: has the file in ``sources``, or keeps it in ``downloads``, for the next build too.

    Raises:
        SourceError: the URL does not answer, or its bytes are not those that were pinned.
    """
    staged = storage.sources / source.sha256
    if not is_plain_file(staged):
        try:
            return fetched(source.url, source.sha256, storage.downloads, largest_bytes=_LARGEST_BYTES).read_bytes()
        except UrlError as error:
            raise SourceError(f"model.source: {_discreet(str(error), source)}") from None
    data = staged.read_bytes()
    if (found := sha256_of_bytes(data)) != source.sha256:
        raise SourceError(f"{staged} is damaged, its sha256 is {found}: remove it and run again")
    return data


def _discreet(text: str, source: OnnxSource) -> str:
    """A text with no more of the source's URL than everybody may see."""
    for url in (source.url, shown_url(source.url)):
        text = text.replace(url, source.shown)
    return text
