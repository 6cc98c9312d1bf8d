"""The files that the configuration names, read, and what they say of each other: the labels and the pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from contract.errors import LabelsError
from contract.labels import labels_from_bytes, text_from_labels
from infra.config.faults import shown
from infra.config.pictures import CONFIG_MAP_BYTES, answers_from_expect, pictures_from_expect
from infra.config.reading import FileReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from contract.expectation import Expectation
    from infra.config.expectations import Expectation as Expect
    from infra.config.expectations import ExpectedAnswer
    from infra.config.faults import Fault, StackFile

_LABELS = "model.labels"
_IMAGENET = "infra/data/imagenet_labels.txt"
_IMAGENET_CLASSES = 1000

LABELS_BYTES = CONFIG_MAP_BYTES * 3 // 4
"""The labels share a ConfigMap with the scripts that check a plan in its pod."""


@dataclass(frozen=True, kw_only=True)
class ExpectedPicture:
    """One picture that the model is asked about, and what it must answer.

    Attributes:
        sha256: of the picture's file.
        data: its bytes; None for one that the build fetches.
        url: where it fetches it from; None for a file.
        expectation: with the label of its class.
    """

    sha256: str
    data: bytes | None = field(repr=False)
    url: str | None
    expectation: Expectation


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """What the build and the proof are given.

    Attributes:
        labels: one for each score, in their order.
        pictures: one or more, each there once; the first is the one that is shown.
    """

    labels: tuple[str, ...] = field(repr=False)
    pictures: tuple[ExpectedPicture, ...]

    @property
    def labels_text(self) -> str:
        """The labels file as the pods get it: one label a line, each line ended."""
        return text_from_labels(self.labels)


def inputs_from_files(
    right: Mapping[str, Any], classes: int | None, *, file: StackFile, repository: Path
) -> tuple[ModelInputs | None, list[Fault]]:
    """Read the files that a model's configuration names.

    Args:
        right: values that are right by themselves, by dotted key; what a missing one names is not read.
        classes: how many scores the model gives, where that is known.
        file: the stack's file, for the faults.
        repository: the repository's root, where relative paths begin.

    Returns:
        The inputs, or None, and every fault.
    """
    reader = FileReader(file=file, repository=repository)
    path: Path | None = right.get(_LABELS)
    expect: Expect | None = right.get("model.expect")
    labels = _labels(path, classes, reader) if path else None
    files = pictures_from_expect(expect, reader) if expect else None
    if path is None or labels is None or expect is None:
        return None, reader.faults
    expectations = [_expectation(key, answer, labels, path, reader) for key, answer in answers_from_expect(expect)]
    if files is None or reader.faults:
        return None, reader.faults
    pictures = tuple(
        ExpectedPicture(sha256=picture.sha256, data=picture.data, url=picture.url, expectation=expectation)
        for picture, expectation in zip(files, expectations, strict=True)
    )
    return ModelInputs(labels=labels, pictures=pictures), []


def _labels(path: Path, classes: int | None, reader: FileReader) -> tuple[str, ...] | None:
    """The labels of a file, one for each score."""
    mend = reader.file.setting(_LABELS, _IMAGENET if classes in (None, _IMAGENET_CLASSES) else f"<{classes} labels>")
    data = reader.bytes_of(_LABELS, path, largest=LABELS_BYTES, accepted="", mend=mend)
    if data is None:
        return None
    try:
        labels = labels_from_bytes(data, name=f"is {path}, which")
    except LabelsError as error:
        found, _, accepted = str(error).partition("; accepted: ")
        reader.refuse(_LABELS, found, accepted=accepted, mend=mend)
        return None
    wrong = _wrong_with_labels(labels, classes)
    if wrong is None:
        return labels
    reader.refuse(_LABELS, f"is {path}, which {wrong}", accepted="one label a line for each score", mend=mend)
    return None


def _wrong_with_labels(labels: tuple[str, ...], classes: int | None) -> str | None:
    if classes is not None and len(labels) != classes:
        return f"has {len(labels)} lines, and the model has {classes} scores"
    if len(text_from_labels(labels).encode()) > LABELS_BYTES:
        return f"has more than {LABELS_BYTES} bytes as UTF-8"
    return None if len(labels) > 1 else "has one line"


def _expectation(
    key: str, answer: ExpectedAnswer, labels: Sequence[str], path: Path, reader: FileReader
) -> Expectation:
    """What an answer must be, with the expected class's label, which the configuration may repeat."""
    known = answer.class_ < len(labels)
    label = labels[answer.class_] if known else ""
    expectation = answer.expectation(label)
    nearest = answer.class_ if known else _class_of(answer.label, labels)
    for name, value, accepted in expectation.faults(len(labels)):
        where = f"{accepted}, one for each line of {path}" if name == "class" else accepted
        best = nearest if name == "class" else _top(nearest, answer.top, len(labels))
        mend = reader.file.setting(f"{key}.{name}", best)
        reader.refuse(f"{key}.{name}", f"is {shown(value)}", accepted=where, mend=mend)
    if known and answer.label not in (None, label):
        found = f"is {shown(answer.label)}, and line {answer.class_ + 1} of {path} is another"
        # a line of text shows each white space as one blank
        plain = label == " ".join(label.split())
        mend = reader.file.setting(f"{key}.label", label) if plain else reader.file.removing(f"{key}.label")
        reader.refuse(f"{key}.label", found, accepted=shown(label), mend=mend)
    return expectation


def _class_of(label: str | None, labels: Sequence[str]) -> int:
    return labels.index(label) if label in labels else len(labels) - 1


def _top(expected: int, top: Sequence[int], classes: int) -> list[int]:
    """What is left of a list when it begins with the expected class and has each that there is once."""
    others = [index for index in dict.fromkeys(top) if index != expected and index < classes]
    return [expected, *others]
