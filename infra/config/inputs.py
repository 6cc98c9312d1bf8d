"""The files that the configuration names: the labels and the expected picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.config.faults import Fault, shown
from infra.config.sources import FixtureSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infra.config.faults import StackFile
    from infra.config.groups import Expectation

CONFIG_MAP_BYTES = 1024 * 1024
"""Kubernetes' limit for the values of one ConfigMap; labels and picture travel in one each."""

_FIXTURE_CLASSES = 1000


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """What the build and the proof are given.

    Attributes:
        labels: one for each score, in their order.
        image: bytes of the expected picture's file.
        label: label of the expected class.
    """

    labels: tuple[str, ...]
    image: bytes
    label: str

    @property
    def labels_text(self) -> str:
        """The labels file as the pods get it: one label a line, each line ended."""
        return "".join(f"{label}\n" for label in self.labels)


def inputs_from_files(
    right: Mapping[str, Any], *, file: StackFile, repository: Path
) -> tuple[ModelInputs | None, list[Fault]]:
    """Read the files that a model's configuration names.

    Args:
        right: values that are right by themselves, by dotted key; what a missing one names is not read.
        file: the stack's file, for the faults.
        repository: the repository's root, where relative paths begin.

    Returns:
        The inputs, or None, and every fault.
    """
    reader = _Reader(file=file, repository=repository)
    path: Path | None = right.get("model.labels")
    expect: Expectation | None = right.get("model.expect")
    labels = reader.labels(path, fixture=isinstance(right.get("model.source"), FixtureSource)) if path else None
    image = reader.bytes_of("model.expect.image", expect.image, "smoke_tests/data/mug.png") if expect else None
    label = reader.label(expect, labels, path) if expect and labels else None
    if labels is None or image is None or label is None:
        return None, reader.faults
    return ModelInputs(labels=labels, image=image, label=label), reader.faults


@dataclass(kw_only=True)
class _Reader:
    """Reads files, and keeps what is wrong with them."""

    file: StackFile
    repository: Path
    faults: list[Fault] = field(default_factory=list)

    def fault(self, key: str, found: str, *, accepted: str, example: object) -> None:
        mend = self.file.setting(key, example)
        self.faults.append(Fault(key=key, found=f"is {found}", accepted=accepted, mend=mend))

    def bytes_of(self, key: str, path: Path, example: str) -> bytes | None:
        """The bytes of a file that fits into a ConfigMap."""
        try:
            size = (self.repository / path).stat().st_size
            if 0 < size <= CONFIG_MAP_BYTES:
                return (self.repository / path).read_bytes()
            found = f"{path}, which has {size} bytes"
        except OSError as error:
            found = f"{path}: {error.strerror}"
        self.fault(key, found, accepted=f"a file of 1 to {CONFIG_MAP_BYTES} bytes", example=example)
        return None

    def labels(self, path: Path, *, fixture: bool) -> tuple[str, ...] | None:
        """The labels of a file, one a line."""
        key, example = "model.labels", "infra/data/imagenet_labels.txt"
        data = self.bytes_of(key, path, example)
        if data is None:
            return None
        labels = tuple(line.strip() for line in data.decode("utf-8", "replace").splitlines())
        wrong = _wrong_with_labels(labels, fixture=fixture)
        if wrong is None:
            return labels
        self.fault(key, f"{path}, which {wrong}", accepted="one label a line for each score", example=example)
        return None

    def label(self, expect: Expectation, labels: Sequence[str], path: Path | None) -> str | None:
        """The expected class's label, which the configuration may repeat."""
        if expect.class_ >= len(labels):
            accepted = f"0 to {len(labels) - 1}, one for each line of {path}"
            self.fault("model.expect.class", f"{expect.class_}", accepted=accepted, example=504)
            return None
        label = labels[expect.class_]
        if expect.label not in (None, label):
            found = f"{shown(expect.label)}, and line {expect.class_ + 1} of {path} is another"
            self.fault("model.expect.label", found, accepted=shown(label), example=label)
        return label


def _wrong_with_labels(labels: Sequence[str], *, fixture: bool) -> str | None:
    if any("\ufffd" in label for label in labels):
        return "is not UTF-8 text"
    if "" in labels:
        return f"has an empty line {labels.index('') + 1}"
    if fixture and len(labels) != _FIXTURE_CLASSES:
        return f"has {len(labels)} lines, and the fixture has {_FIXTURE_CLASSES} scores"
    return None if len(labels) > 1 else "has one line"
