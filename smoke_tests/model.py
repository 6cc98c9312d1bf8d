"""What a model takes and gives: as its manifest promises, or, without one, as its server says."""

from dataclasses import dataclass
from typing import Any

from contract.comparison import DEFAULT_TOLERANCE, Tolerance
from contract.manifest import Manifest
from contract.preprocessing import Preprocessing, preprocessing_from_value
from contract.served import ImageShape
from smoke_tests.client import TritonClient
from smoke_tests.errors import BadAnswerError

_CHANNELS = (3, 1)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A classifier of pictures.

    Attributes:
        max_batch_size: 0 for one picture a request, without batch dimension.
        preprocessing: that it is asked in.
        classes: the length of one picture's scores.
        scale: of its scores; None where nobody has said it.
        tolerance: how far two answers to one picture may be apart.
    """

    max_batch_size: int
    preprocessing: Preprocessing
    classes: int
    scale: str | None
    tolerance: Tolerance

    @property
    def shape(self) -> ImageShape:
        """Channels, height and width of one picture."""
        return self.preprocessing.shape


def model_from_manifest(manifest: Manifest) -> Model:
    """Return what a manifest promises."""
    return Model(
        max_batch_size=manifest.max_batch_size,
        preprocessing=manifest.preprocessing,
        classes=manifest.classes,
        scale=manifest.golden.scale,
        tolerance=manifest.golden.tolerance,
    )


def model_from_server(client: TritonClient, preprocessing: object) -> Model:
    """Ask a server what its model takes and gives.

    Args:
        client: of the model.
        preprocessing: that it is to be asked in, as an option says it.

    Raises:
        BadAnswerError: it takes no picture, or gives no scores of classes; one line.
        NoAnswerError: nobody answers.
        PreprocessingError: the preprocessing does not fit its pictures.
    """
    metadata, max_batch_size = client.metadata(), int(client.config().get("max_batch_size", 0))
    shape = _shape(client, metadata, "inputs", batched=bool(max_batch_size))
    channels, height, width = shape if len(shape) == 3 else (0, 0, 0)
    if channels not in _CHANNELS or height < 1 or width < 1:
        raise _refusal(client, f"input of shape {shape}", "[3 or 1, height, width], a picture")
    classes = _shape(client, metadata, "outputs", batched=bool(max_batch_size))
    if len(classes) != 1 or classes[0] < 1:
        raise _refusal(client, f"output of shape {classes}", "one score for each class, [classes]")
    return Model(
        max_batch_size=max_batch_size,
        preprocessing=preprocessing_from_value(preprocessing, (channels, height, width)),
        classes=classes[0],
        scale=None,
        tolerance=DEFAULT_TOLERANCE,
    )


def _shape(client: TritonClient, metadata: dict[str, Any], key: str, *, batched: bool) -> list[int]:
    """Return the shape of a model's only input or output, without its batch dimension."""
    found = metadata.get(key)
    tensors = found if isinstance(found, list) else []
    if len(tensors) != 1:
        raise _refusal(client, f"{len(tensors)} {key}", "one input, a picture, and one output, its scores")
    shape = tensors[0].get("shape") if isinstance(tensors[0], dict) else None
    if not isinstance(shape, list) or not all(type(side) is int for side in shape):
        raise _refusal(client, f"{key} without a shape", "Triton's metadata of a model")
    return shape[1:] if batched else shape


def _refusal(client: TritonClient, found: str, accepted: str) -> BadAnswerError:
    return BadAnswerError(f"model {client.model} at {client.endpoint} has {found}; accepted: {accepted}")
