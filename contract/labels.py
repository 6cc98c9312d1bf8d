"""The labels of a model's classes, from a text file as every editor writes it."""

from __future__ import annotations

import codecs

from contract.errors import LabelsError

_ACCEPTED = "accepted: a text file, one label a line"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The marks that editors begin a file with, each with Python's encoding that reads it; longer ones first."""


def labels_from_bytes(data: bytes, *, name: str) -> tuple[str, ...]:
    """Read a labels file: UTF-8, or UTF-16 or UTF-32 with its mark; lines end as on any system.

    Args:
        data: the file's bytes.
        name: what errors call it.

    Returns:
        One label for each class, without the white space around it.

    Raises:
        LabelsError: it is no text, or has an empty line, after which every class would have its neighbour's label.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise LabelsError(
            f"{name} is not {encoding.upper()} text, at byte {error.start}; {_ACCEPTED}, in UTF-8"
        ) from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    labels = tuple(line.strip().replace("\ufeff", "") for line in lines)
    if labels == ("",):
        raise LabelsError(f"{name} is empty; {_ACCEPTED}")
    if "" in labels:
        raise LabelsError(f"{name} has an empty line {labels.index('') + 1}; {_ACCEPTED}")
    if any("\0" in label for label in labels):
        raise LabelsError(
            f"{name} is no text: line {[chr(0) in label for label in labels].index(True) + 1} has a NUL; {_ACCEPTED}"
        )
    return labels


def text_from_labels(labels: tuple[str, ...]) -> str:
    """Return the labels as Triton and the pods get them: UTF-8, one a line, each line ended."""
    return "".join(f"{label}\n" for label in labels)
