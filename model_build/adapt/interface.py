"""Reads what an ONNX model takes and gives, and refuses what is no image classifier."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, TensorProto, ValueInfoProto

from contract.preprocessing import LARGEST_SIDE
from contract.served import DEFAULT_SIDE, ImageShape
from model_build.errors import AdaptError, InterfaceError
from model_build.scoring import first_line

ImageSize = tuple[int, int]
"""Height and width, in pixels."""

_CHANNELS: Final = (3, 1)
_IMAGE_RANK: Final = 4
_LEAST_CLASSES: Final = 2
_IMAGE_TYPES: Final = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8)
_SCORE_TYPES: Final = (TensorProto.FLOAT, TensorProto.FLOAT16)
_IMAGES: Final = "[N,C,H,W] or [N,H,W,C], where N is dynamic or 1, C 3 or 1, and H and W may be dynamic"
_SCORES: Final = "one score for each class, [N,C] or [N,C,1,1]"


@dataclass(frozen=True, kw_only=True)
class Interface:
    """A classifier's own input and output.

    Attributes:
        input_type: ``TensorProto.FLOAT``, ``FLOAT16`` or ``UINT8``.
        channels_last: whether the input is NHWC rather than NCHW.
        shape: channels, height and width of one picture, whatever the layout.
        output_type: ``TensorProto.FLOAT`` or ``FLOAT16``.
        classes: how many scores it declares for a picture; None where it does not say.
    """

    input_name: str
    input_type: int
    channels_last: bool
    shape: ImageShape
    output_name: str
    output_type: int
    classes: int | None

    @property
    def takes_whole_numbers(self) -> bool:
        """Whether its input is uint8, 0 to 255."""
        return self.input_type == TensorProto.UINT8


def model_from_bytes(data: bytes, *, name: str) -> ModelProto:
    """Parse and check an ONNX model that carries its own weights.

    Raises:
        AdaptError: it is no ONNX, a truncated or an invalid one, or its weights lie in another file.
    """
    try:
        model: ModelProto = ModelProto.FromString(data)
    except DecodeError as error:
        raise AdaptError(f"{name} is no ONNX model, or a truncated one: {first_line(error)}") from error
    if not model.graph.node:
        raise AdaptError(f"{name} is no ONNX model: it has no nodes")
    if elsewhere := next(_files_of_weights(model.graph), None):
        raise InterfaceError(
            f"{name} has its weights in a second file, {elsewhere}",
            accepted='one file with its weights; make it, beside that file, with python -c "import onnx; '
            "onnx.save(onnx.load('model.onnx'), 'whole.onnx')\"",
        )
    try:
        onnx.checker.check_model(data)
    except (ValueError, onnx.checker.ValidationError) as error:
        raise AdaptError(f"{name} is no valid ONNX model: {first_line(error)}") from error
    return model


def interface_from_model(
    model: ModelProto, *, name: str, output: str | None = None, image_size: ImageSize | None = None
) -> Interface:
    """Find the one image input and the score output.

    Args:
        model: as it came.
        name: what errors call it.
        output: of several outputs the one that is served.
        image_size: height and width of a model that leaves its own open; without it 224 by 224.

    Raises:
        InterfaceError: they are no image and no scores, or not the ones that are asked for; shows what was found.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    images = [value for value in model.graph.input if value.name not in weights]
    if len(images) != 1:
        found = ", ".join(value.name for value in images) or "none"
        raise InterfaceError(f"{name} has {len(images)} inputs ({found})", accepted="one input, an image")
    image, scores = images[0], _served_output(list(model.graph.output), output, name)
    for value, types in ((image, _IMAGE_TYPES), (scores, _SCORE_TYPES)):
        if value.type.tensor_type.elem_type not in types:
            accepted = ", ".join(TensorProto.DataType.Name(kind) for kind in types)
            raise InterfaceError(f"{name}: {_described(value)}", accepted=accepted)
    channels_last, dims = _layout(image, name)
    return Interface(
        input_name=image.name,
        input_type=image.type.tensor_type.elem_type,
        channels_last=channels_last,
        shape=_shape(dims, image_size, name),
        output_name=scores.name,
        output_type=scores.type.tensor_type.elem_type,
        classes=_declared_classes(scores, name),
    )


def dims_of(value: ValueInfoProto) -> list[int | None]:
    """Return a tensor's declared dimensions, None for each that is dynamic."""
    return [
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in value.type.tensor_type.shape.dim
    ]


def classes_of(shape: list[int]) -> int | None:
    """Return how many scores an output gives for one picture, None where that is no row of scores.

    Args:
        shape: of the output for one picture, [1,C], [1,C,1,1] or the like.
    """
    longer = [length for length in shape[1:] if length != 1]
    fits = len(shape) > 1 and shape[0] == 1 and len(longer) == 1 and longer[0] >= _LEAST_CLASSES
    return longer[0] if fits else None


def no_scores(name: str, output: str, shape: list[int]) -> InterfaceError:
    """Say that an output is no classifier's."""
    return InterfaceError(
        f"{name} is no classifier: for one image its output '{output}' is {shape}", accepted=_SCORES, key="output"
    )


def _served_output(outputs: list[ValueInfoProto], wanted: str | None, name: str) -> ValueInfoProto:
    names = [value.name for value in outputs]
    if wanted in names:
        return outputs[names.index(wanted)]
    if wanted is not None or len(outputs) != 1:
        found = f"has no output '{wanted}'" if wanted is not None else f"has {len(outputs)} outputs"
        likely = next((value.name for value in outputs if classes_of([1, *_sizes(value)[1:]])), None)
        raise InterfaceError(
            f"{name} {found}", accepted=f"source.output, one of {', '.join(names)}", key="output", value=likely
        )
    return outputs[0]


def _sizes(value: ValueInfoProto) -> list[int]:
    return [dim or 0 for dim in dims_of(value)]


def _layout(image: ValueInfoProto, name: str) -> tuple[bool, list[int | None]]:
    """Whether channels are last, and channels, height and width, None for each that is dynamic."""
    dims = dims_of(image)
    if len(dims) == _IMAGE_RANK and dims[0] in {None, 1}:
        _, second, third, last = dims
        if second in _CHANNELS:
            return False, [second, third, last]
        if last in _CHANNELS:
            return True, [last, second, third]
        if second is None:
            return False, [_CHANNELS[0], third, last]
    raise InterfaceError(f"{name}: {_described(image)}", accepted=_IMAGES)


def _shape(dims: list[int | None], image_size: ImageSize | None, name: str) -> ImageShape:
    channels, *own = dims
    wanted = image_size or (DEFAULT_SIDE, DEFAULT_SIDE)
    height, width = (side or want for side, want in zip(own, wanted, strict=True))
    if image_size and (height, width) != image_size:
        raise InterfaceError(
            f"{name} takes images of {height}x{width}, not of {image_size[0]}x{image_size[1]}",
            accepted=f"source.imageSize [{height}, {width}], or none",
            key="imageSize",
            value=[height, width],
        )
    if max(height, width) > LARGEST_SIDE:
        raise InterfaceError(
            f"{name} takes images of {height}x{width}", accepted=f"a height and a width of at most {LARGEST_SIDE}"
        )
    return channels or _CHANNELS[0], height, width


def _declared_classes(scores: ValueInfoProto, name: str) -> int | None:
    dims = dims_of(scores)
    if not dims or None in dims[1:]:
        return None
    shape = [1, *_sizes(scores)[1:]] if len(dims) > 1 else _sizes(scores)
    classes = classes_of(shape)
    if classes is None:
        raise no_scores(name, scores.name, shape)
    return classes


def _files_of_weights(graph: GraphProto) -> Iterator[str]:
    """Yield the file of every tensor whose data lie outside the model."""
    for tensor in _tensors(graph):
        if tensor.data_location == TensorProto.EXTERNAL:
            yield next((entry.value for entry in tensor.external_data if entry.key == "location"), "one without a name")


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _tensors(body)


def _described(value: ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    dims = ",".join(dim.dim_param or (str(dim.dim_value) if dim.dim_value else "?") for dim in tensor.shape.dim)
    return f"'{value.name}' is {TensorProto.DataType.Name(tensor.elem_type)} [{dims}]"
