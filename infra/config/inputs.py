"""The files that the configuration names: the labels and the expected picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.config.faults import Fault, shown
from infra.config.groups import FixtureSource

if TYPE_CHECKING:
    from pathlib import Path

    from infra.config.faults import StackFile
    from infra.config.groups import Model

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


def inputs_from_files(model: Model, *, file: StackFile, repository: Path) -> tuple[ModelInputs | None, list[Fault]]:
    """Read the files that a model's configuration names.

    Args:
        model: its relative paths begin at ``repository``.
        file: the stack's file, for the faults.
        repository: the repository's root.

    Returns:
        The inputs, or None and why not.
    """
    faults: list[Fault] = []
    labels = _labels_from_file(model, repository, file, faults)
    image = _bytes_from_file(
        repository / model.expect.image,
        key="model.expect.image",
        shown_path=model.expect.image,
        mend=file.set_command("model.expect.image", "smoke_tests/data/mug.png"),
        faults=faults,
    )
    if labels is None or image is None:
        return None, faults
    expected, key = model.expect, "model.expect.class"
    if expected.class_ >= len(labels):
        accepted = f"0 to {len(labels) - 1}, one for each line of {model.labels}"
        faults.append(Fault(key=key, found=f"is {expected.class_}", accepted=accepted, mend=file.set_command(key, 504)))
        return None, faults
    label = labels[expected.class_]
    if expected.label not in (None, label):
        faults.append(
            Fault(
                key="model.expect.label",
                found=f"is {shown(expected.label)}, and line {expected.class_ + 1} of {model.labels} is another",
                accepted=shown(label),
                mend=file.set_command("model.expect.label", label),
            )
        )
    return ModelInputs(labels=labels, image=image, label=label), faults


def _labels_from_file(model: Model, repository: Path, file: StackFile, faults: list[Fault]) -> tuple[str, ...] | None:
    key, path = "model.labels", model.labels
    mend = file.set_command(key, "infra/data/imagenet_labels.txt")
    data = _bytes_from_file(repository / path, key=key, shown_path=path, mend=mend, faults=faults)
    if data is None:
        return None
    labels = tuple(line.strip() for line in data.decode("utf-8", "replace").splitlines())
    wrong = _wrong_with_labels(labels, model)
    if wrong:
        found = f"is {path}, which {wrong}"
        faults.append(Fault(key=key, found=found, accepted="one label a line for each score", mend=mend))
        return None
    return labels


def _wrong_with_labels(labels: tuple[str, ...], model: Model) -> str | None:
    if any("\ufffd" in label for label in labels):
        return "is not UTF-8 text"
    if "" in labels:
        return f"has an empty line {labels.index('') + 1}"
    if isinstance(model.source, FixtureSource) and len(labels) != _FIXTURE_CLASSES:
        return f"has {len(labels)} lines, and the fixture has {_FIXTURE_CLASSES} scores"
    return None if len(labels) > 1 else "has one line"


def _bytes_from_file(path: Path, *, key: str, shown_path: Path, mend: str, faults: list[Fault]) -> bytes | None:
    """The bytes of a file that fits into a ConfigMap, or None and a fault."""
    try:
        size = path.stat().st_size
        if 0 < size <= CONFIG_MAP_BYTES:
            return path.read_bytes()
        found = f"is {shown_path}, which has {size} bytes"
    except OSError as error:
        found = f"is {shown_path}: {error.strerror}"
    accepted = f"a file of 1 to {CONFIG_MAP_BYTES} bytes"
    faults.append(Fault(key=key, found=found, accepted=accepted, mend=mend))
    return None
