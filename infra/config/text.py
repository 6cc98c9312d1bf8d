"""Texts with a shape: each type says what it accepts when it refuses."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    from collections.abc import Callable


def _text(accepts: Callable[[str], object], accepted: str) -> AfterValidator:
    def check(value: str) -> str:
        if not accepts(value):
            raise PydanticCustomError("shape", "{accepted}", {"accepted": accepted})
        return value

    return AfterValidator(check)


_FILE_URL = re.compile(r"file://(localhost)?(?P<path>/.+)", re.DOTALL)


def path_from_file_url(url: str) -> Path | None:
    """The file on this machine that a ``file://`` URL names, percent-decoded; None for any other URL."""
    match = _FILE_URL.fullmatch(url)
    return Path(unquote(match["path"])) if match else None


def _without_localhost(url: str) -> str:
    """The build's spelling of a URL: a file on this machine, with no host."""
    match = _FILE_URL.fullmatch(url)
    return f"file://{match['path']}" if match else url


def _is_source_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    if url.scheme == "file":
        return _FILE_URL.fullmatch(text) is not None
    return url.scheme == "https" and bool(url.hostname)


def _stays_inside(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _is_absolute(text: str) -> bool:
    path = PurePosixPath(text)
    return path.is_absolute() and ".." not in path.parts and len(path.parts) > 1


_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
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
Quantity = Annotated[str, _text(_QUANTITY.fullmatch, "a Kubernetes quantity in quotes, such as '500m', '2' or '1Gi'")]
SourceUrl = Annotated[
    str,
    _text(_is_source_url, "https://host/file, or file:///path on a local cluster"),
    AfterValidator(_without_localhost),
]
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
