"""Reads what an ONNX model takes and gives, and refuses what is no image classifier."""

from dataclasses import dataclass
from typing import Final

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto

from model_build.contract import IMAGE_SHAPE
from model_build.errors import AdaptError
from model_build.scoring import first_line

CHANNELS, SIDE = IMAGE_SHAPE[0], IMAGE_SHAPE[1]
NCHW: Final = (CHANNELS, SIDE, SIDE)
NHWC: Final = (SIDE, SIDE, CHANNELS)
_FLOATS: Final = (TensorProto.FLOAT, TensorProto.FLOAT16)


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A classifier's own input and output.

    Attributes:
        input_type: ``TensorProto.FLOAT`` or ``TensorProto.FLOAT16``; the same for the output.
        channels_last: whether the input is NHWC rather than NCHW.
    """

    input_name: str
    input_type: int
    channels_last: bool
    output_name: str
    output_type: int


def model_from_bytes(data: bytes, *, name: str) -> ModelProto:
    """Parse and check an ONNX model that carries its own weights.

    Raises:
        AdaptError: it is no ONNX, a truncated or an invalid one, or its weights lie in another file.
    """
    try:
        onnx.checker.check_model(data)
    except ValueError as error:
        raise AdaptError(f"{name} is no ONNX model, or a truncated one: {first_line(error)}") from error
    except onnx.checker.ValidationError as error:
        raise AdaptError(f"{name} is no valid ONNX model: {first_line(error)}") from error
    model = onnx.load_model_from_string(data)
    if not model.graph.node:
        raise AdaptError(f"{name} is no ONNX model: it has no nodes")
    return model


def interface_from_model(model: ModelProto, *, name: str) -> Interface:
    """Find the one image input and the one score output.

    Raises:
        AdaptError: there are several, or they are no image and no scores; shows what was found.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    image = _only([value for value in model.graph.input if value.name not in weights], "image input", name)
    scores = _only(list(model.graph.output), "score output", name)
    for value in (image, scores):
        if value.type.tensor_type.elem_type not in _FLOATS:
            raise AdaptError(f"{name}: {_described(value)}; accepted: single or half precision floats")
    return Interface(
        input_name=image.name,
        input_type=image.type.tensor_type.elem_type,
        channels_last=_is_channels_last(image, name),
        output_name=scores.name,
        output_type=scores.type.tensor_type.elem_type,
    )


def dims_of(value: ValueInfoProto) -> list[int | None]:
    """Return a tensor's declared dimensions, None for each that is dynamic."""
    return [
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in value.type.tensor_type.shape.dim
    ]


def _only(values: list[ValueInfoProto], role: str, name: str) -> ValueInfoProto:
    if len(values) != 1:
        found = ", ".join(value.name for value in values) or "none"
        raise AdaptError(f"{name} has {len(values)} {role}s ({found}); accepted: one {role}")
    return values[0]


def _is_channels_last(image: ValueInfoProto, name: str) -> bool:
    dims = dims_of(image)
    if len(dims) == len(IMAGE_SHAPE) + 1 and dims[0] in {None, 1}:
        channels_last = dims[1] != CHANNELS and dims[3] == CHANNELS
        wanted = NHWC if channels_last else NCHW
        if all(dim in {None, want} for dim, want in zip(dims[1:], wanted, strict=True)):
            return channels_last
    raise AdaptError(
        f"{name}: {_described(image)}; accepted: [N,{CHANNELS},{SIDE},{SIDE}] or "
        f"[N,{SIDE},{SIDE},{CHANNELS}], where N is dynamic or 1, and height and width may be dynamic"
    )


def _described(value: ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    dims = ",".join(dim.dim_param or (str(dim.dim_value) if dim.dim_value else "?") for dim in tensor.shape.dim)
    return f"'{value.name}' is {TensorProto.DataType.Name(tensor.elem_type)} [{dims}]"
