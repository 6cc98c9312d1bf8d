"""The content addresses of a plan: of the engine that costs minutes of a GPU, and of everything that is published.

What only changes the repository around an engine (a label, a picture, an instance) changes the plan's id and not the
engine's, so that the engine is taken from where it lies. The build's code counts by its image: the project's own
has its content in its tag, and another's is its owner's.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class EngineInputs:
    """What a plan's arithmetic is made from and made for.

    Attributes:
        source: kind and digest of the weights, and what else says which model is made of them.
        precision: of the plan's arithmetic.
        builder_image: reference of the build's image.
        serving_image: reference of Triton's image.
        tensorrt: GPU product, batches and workspace that a TensorRT plan is compiled for; None on CPU.
    """

    source: Mapping[str, Any]
    precision: str
    builder_image: str
    serving_image: str
    tensorrt: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class PlanInputs:
    """Everything that changes the published repository.

    Attributes:
        engine: see there.
        target: what executes the plan.
        model: name that clients ask for.
        max_batch_size: 0 for one image without a batch dimension.
        instances: copies that run at once.
        preprocessing: as declared, or by default.
        labels_sha256: digest of the labels' text.
        pictures: each expected picture's digest, and what it must be called.
    """

    engine: EngineInputs
    target: str
    model: str
    max_batch_size: int
    instances: int
    preprocessing: str | Mapping[str, Any]
    labels_sha256: str
    pictures: Sequence[Mapping[str, Any]]


def engine_id(inputs: EngineInputs) -> str:
    """The engine's id: 16 lower-case hex digits, the same for the same inputs on every machine."""
    return _digest(asdict(inputs))


def plan_id(inputs: PlanInputs) -> str:
    """The plan's id: 16 lower-case hex digits, likewise."""
    return _digest(asdict(inputs))


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
