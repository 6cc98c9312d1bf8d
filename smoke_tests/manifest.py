"""What the builder of a model repository wrote down, as far as it can be compared over a URL."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from smoke_tests.contract import INPUT, Expectation, output_of
from smoke_tests.errors import OptionError

SCHEMA = 1
GOLDEN_PREPROCESSING = "imagenet"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Golden:
    """The scores that the reference gave for one image.

    Attributes:
        image_sha256: of the image's file.
        expectation: the class and label that the configuration expects of it.
        tolerance: the largest absolute difference of a score that is still right.
        scores: one a class, or None where the builder could not run the model.
    """

    image_sha256: str
    expectation: Expectation
    tolerance: float
    scores: tuple[float, ...] | None = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A model repository's ``manifest.json``, schema 1.

    Attributes:
        source_kind: ``fixture``, ``onnx`` or ``prebuilt``.
        max_batch_size: 0 for one image a request, without batch dimension.
        classes: the length of one image's scores.
        files: each file's path in the repository, and its SHA-256.
    """

    plan_id: str
    model: str
    source_kind: str
    max_batch_size: int
    classes: int
    files: Mapping[str, str] = field(repr=False)
    golden: Golden

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a manifest.

        Raises:
            OptionError: names the key, its value and what is accepted.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise OptionError(f"not JSON: {error}; a model repository's manifest.json is accepted") from None
        schema = _value(document, "schema", int)
        if schema != SCHEMA:
            raise _refusal("schema", schema, str(SCHEMA))
        max_batch_size = _value(document, "maxBatchSize", int)
        if max_batch_size < 0:
            raise _refusal("maxBatchSize", max_batch_size, "0 or more")
        classes = _contract_classes(document)
        return cls(
            plan_id=_value(document, "planId", str),
            model=_value(document, "model", str),
            source_kind=_value(document, "source.kind", str),
            max_batch_size=max_batch_size,
            classes=classes,
            files=_value(document, "files", dict),
            golden=_golden(document, classes),
        )


def labels_sha256(labels: list[str], *, final_newline: bool) -> str:
    """Hash labels as the file that lists them, one a line, would hash."""
    text = "\n".join(labels) + ("\n" if final_newline else "")
    return hashlib.sha256(text.encode()).hexdigest()


def _contract_classes(document: Any) -> int:
    """Compare both tensors with the contract; return the length of the output."""
    shape = _value(document, "output.shape", list)
    if len(shape) != 1 or not isinstance(shape[0], int) or shape[0] < 1:
        raise _refusal("output.shape", shape, "[CLASSES]")
    for key, spec in (("input", INPUT), ("output", output_of(shape[0]))):
        tensor = _value(document, key, dict)
        if tensor != spec.metadata():
            raise _refusal(key, tensor, str(spec.metadata()))
    return int(shape[0])


def _golden(document: Any, classes: int) -> Golden:
    preprocessing = _value(document, "golden.preprocessing", str)
    if preprocessing != GOLDEN_PREPROCESSING:
        raise _refusal("golden.preprocessing", preprocessing, repr(GOLDEN_PREPROCESSING))
    tolerance = _value(document, "golden.tolerance", float)
    if not 0 < tolerance < math.inf:
        raise _refusal("golden.tolerance", tolerance, "a number above 0")
    class_index = _value(document, "golden.class", int)
    if not 0 <= class_index < classes:
        raise _refusal("golden.class", class_index, f"0 to {classes - 1}")
    return Golden(
        image_sha256=_value(document, "golden.imageSha256", str),
        expectation=Expectation(class_index=class_index, label=_value(document, "golden.label", str)),
        tolerance=tolerance,
        scores=_scores(document, classes),
    )


def _scores(document: Any, classes: int) -> tuple[float, ...] | None:
    if document["golden"].get("scores", math.nan) is None:
        return None
    scores = _value(document, "golden.scores", list)
    if len(scores) != classes or not all(_is_number(score) and math.isfinite(score) for score in scores):
        raise _refusal("golden.scores", f"a list of {len(scores)}", f"null or {classes} finite numbers")
    return tuple(float(score) for score in scores)


def _value(document: Any, dotted: str, kind: type[T]) -> T:
    """Return what stands under a dotted key; an integer is a float too, a boolean is neither."""
    value = document
    for key in dotted.split("."):
        if not isinstance(value, dict) or key not in value:
            raise OptionError(f"{dotted} is missing; a manifest of schema {SCHEMA} is accepted")
        value = value[key]
    if kind is float and _is_number(value):
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _refusal(dotted, value, f"a value of type {kind.__name__}")
    return value


def _refusal(key: str, value: object, accepted: str) -> OptionError:
    return OptionError(f"{key} is {value!r}; accepted is {accepted}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
