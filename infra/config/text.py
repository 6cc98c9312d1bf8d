"""Texts with a shape: each type says what it accepts when it refuses."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from contract.errors import UrlError
from contract.preprocessing import ACCEPTED
from contract.urls import quoted_url

if TYPE_CHECKING:
    from collections.abc import Callable


_PICTURE_URL = "https://host/file, without a user; for a picture on this disk its path, in place of url and sha256"

SHAPE = "shape"
"""The type of this module's errors; they say what is accepted, and what was found where that is not to be shown."""


def refusal(accepted: str, *, found: str = "", mend: str = "") -> PydanticCustomError:
    """The error of a value that is refused.

    Args:
        accepted: what may stand there.
        found: what stands there, in words that follow the key; without it the value itself is shown.
        mend: what mends it, where that is no edit, with `{file}` and `{stack}` in it.
    """
    return PydanticCustomError(SHAPE, "{accepted}", {"accepted": accepted, "found": found, "mend": mend})


def _text(accepts: Callable[[str], object], accepted: str) -> AfterValidator:
    def check(value: str) -> str:
        if not accepts(value):
            raise refusal(accepted)
        return value

    return AfterValidator(check)


def path_from_file_url(url: str) -> Path | None:
    """The file on this machine that a ``file://`` URL names, percent-decoded; None for any other URL."""
    return Path(unquote(url.removeprefix("file://"))) if url.startswith("file://") else None


def _on_disk(value: Any) -> Any:
    """A path, of whatever there is; a URL in its place is refused, and shown only as far as a URL may be."""
    if isinstance(value, str) and ("://" in value or "\0" in value):
        raise refusal("the path of a file on this disk")
    return value


def _preprocessing(value: Any) -> Any:
    """What it says is checked where the model's shape is known."""
    if not isinstance(value, str | dict):
        raise refusal(ACCEPTED)
    return value


def _quoted(text: str) -> str:
    """A URL as it is sent; it may hold a password, so what is refused is not shown."""
    try:
        return quoted_url(text, secret=True)
    except UrlError as error:
        found, _, accepted = str(error).partition("; accepted: ")
        raise refusal(accepted, found=found) from None


def _fetched(text: str) -> str:
    """The same of a picture, which has no URL when it lies on this disk."""
    try:
        url = quoted_url(text)
    except UrlError as error:
        raise refusal(_PICTURE_URL, found=str(error).partition("; accepted: ")[0]) from None
    if path_from_file_url(url):
        raise refusal(_PICTURE_URL, found="is the URL of a file on this disk")
    return url


def _stays_inside(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _is_absolute(text: str) -> bool:
    path = PurePosixPath(text)
    return path.is_absolute() and ".." not in path.parts and len(path.parts) > 1


_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_BYTES = re.compile(r"[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?")
_QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")

DnsLabel = Annotated[str, _text(_DNS_LABEL.fullmatch, "a DNS label: a-z, 0-9 and '-', at most 63, no '-' at its ends")]
DnsName = Annotated[
    str, _text(_DNS_NAME.fullmatch, "a DNS name: labels of a-z, 0-9 and '-' joined by '.', at most 253")
]
Sha256 = Annotated[
    str, _text(re.compile(r"[0-9a-f]{64}").fullmatch, "64 lower-case hex digits, as sha256sum prints them")
]
PlanId = Annotated[str, _text(re.compile(r"[0-9a-f]{16}").fullmatch, "16 lower-case hex digits, in quotes")]
ModelName = Annotated[
    str,
    _text(
        re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}").fullmatch,
        "letters, digits, '_', '.' and '-', at most 128",
    ),
]
Bytes = Annotated[str, _text(_BYTES.fullmatch, "a Kubernetes quantity in quotes, of bytes, such as '512Mi' or '1Gi'")]
Quantity = Annotated[str, _text(_QUANTITY.fullmatch, "a Kubernetes quantity in quotes, such as '500m', '2' or '1Gi'")]
SourceUrl = Annotated[str, AfterValidator(_quoted)]
DeclaredPreprocessing = Annotated[str | dict[str, Any], BeforeValidator(_preprocessing)]
PictureUrl = Annotated[str, AfterValidator(_fetched)]
FilePath = Annotated[Path, BeforeValidator(_on_disk)]
StoragePath = Annotated[str, _text(_stays_inside, "a folder relative to the storage, without '..'")]
AbsolutePath = Annotated[str, _text(_is_absolute, "an absolute path below '/', without '..'")]
Filled = Annotated[str, _text(str.strip, "text that is not empty")]
Duration = Annotated[
    str, _text(re.compile(r"Never|([0-9]+(s|m|h))+").fullmatch, "a duration such as '30s', '10m' or '720h', or 'Never'")
]
GpuProduct = Annotated[
    str,
    _text(
        re.compile(r"(?!.*-(SHARED|MIG))[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?").fullmatch,
        "the value of the nodes' label nvidia.com/gpu.product, such as 'NVIDIA-H800'; whole GPUs, not shared ones",
    ),
]
TritonRelease = Annotated[
    str, _text(re.compile(r"[0-9]{2}\.[0-9]{2}").fullmatch, "a release of Triton in quotes, such as '24.01'")
]
