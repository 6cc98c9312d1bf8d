"""The pictures that the configuration names: all but those that are fetched are read and decoded at preview."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.errors import PictureError
from infra.config.expectations import FetchedPicture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.config.expectations import Expectation, ExpectedAnswer
    from infra.config.reading import FileReader

CONFIG_MAP_BYTES = 1024 * 1024
"""Kubernetes' limit for the values of one ConfigMap, whose keys it does not count; the pictures have one."""

_LARGEST_OTHER_BYTES = 64 * 1024 * 1024
"""Of a picture that stays on this machine."""

_OTHER = "model.expect.otherImage"


@dataclass(frozen=True, kw_only=True)
class PictureFile:
    """One picture.

    Attributes:
        sha256: of its bytes.
        data: them; None for one that is fetched.
        url: where it is fetched from; None for a file.
    """

    sha256: str
    data: bytes | None
    url: str | None


def answers_from_expect(expect: Expectation) -> Iterator[tuple[str, ExpectedAnswer]]:
    """Every expected answer with its dotted key, the one that is shown first."""
    yield "model.expect", expect
    for position, answer in enumerate(expect.also):
        yield f"model.expect.also.{position}", answer


def pictures_from_expect(expect: Expectation, reader: FileReader) -> list[PictureFile] | None:
    """Read the expected pictures, and look at the other one.

    Returns:
        One for each answer, in their order; None, and faults, where one of them cannot be had, is there twice, or all
        are too large.
    """
    faults = len(reader.faults)
    pictures: list[PictureFile] = []
    keys: dict[str, str] = {}
    for key, answer in answers_from_expect(expect):
        mend = _mend(key, reader)
        picture = _picture(f"{key}.image", answer.image, CONFIG_MAP_BYTES, mend, reader)
        if picture is None:
            continue
        if picture.sha256 in keys:
            found = f"is the same picture as {keys[picture.sha256]}.image"
            reader.refuse(f"{key}.image", found, accepted="each picture once", mend=mend)
            continue
        keys[picture.sha256] = key
        _refuse_too_many(f"{key}.image", [*pictures, picture], mend, reader)
        pictures.append(picture)
    _look_at_other(expect, pictures, reader)
    return pictures if len(reader.faults) == faults else None


def _mend(key: str, reader: FileReader) -> str:
    """What is asked first cannot be left out; all others can."""
    if key == "model.expect":
        return reader.file.setting(f"{key}.image", "smoke_tests/data/mug.png")
    return reader.file.removing(key)


def _picture(key: str, image: Path | FetchedPicture, largest: int, mend: str, reader: FileReader) -> PictureFile | None:
    if isinstance(image, FetchedPicture):
        return PictureFile(sha256=image.sha256, data=None, url=image.url)
    accepted = ", or url and sha256 of one that is fetched"
    data = reader.bytes_of(key, image, largest=largest, accepted=accepted, mend=mend)
    if data is None:
        return None
    from contract.pictures import picture_from_bytes  # noqa: PLC0415  0.1 s, for those who name a file

    try:
        picture_from_bytes(data, name=f"is {image}, which")
    except PictureError as error:
        found, _, accepted = str(error).partition("; accepted: ")
        reader.refuse(key, found, accepted=accepted, mend=mend)
        return None
    return PictureFile(sha256=hashlib.sha256(data).hexdigest(), data=data, url=None)


def _refuse_too_many(key: str, pictures: list[PictureFile], mend: str, reader: FileReader) -> None:
    """They travel together; what is too much is the first one that does not fit."""
    last = len(pictures[-1].data or b"")
    total = sum(len(picture.data or b"") for picture in pictures)
    if last and total > CONFIG_MAP_BYTES >= total - last:
        found = f"is a file of {last} bytes, with which the expected pictures have {total}"
        accepted = f"{CONFIG_MAP_BYTES} bytes altogether, or url and sha256 of pictures that are fetched"
        reader.refuse(key, found, accepted=accepted, mend=mend)


def _look_at_other(expect: Expectation, pictures: list[PictureFile], reader: FileReader) -> None:
    """It must not be of the expected class; so it is none of the pictures that must be."""
    if expect.other_image is None:
        return
    mend = reader.file.removing(_OTHER)
    other = _picture(_OTHER, expect.other_image, _LARGEST_OTHER_BYTES, mend, reader)
    if other is not None and pictures and other.sha256 == pictures[0].sha256:
        found = "is the same picture as model.expect.image"
        reader.refuse(_OTHER, found, accepted="a picture of something else", mend=mend)
