"""Makes wrong classifiers out of right ones: what a comparison of two models must notice.

Each takes the bytes of an ONNX model, of opset 10 or newer, and returns those of another, whose first output is
wrong and whose interface is the same.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

_END: Final = np.iinfo(np.int64).max


def with_permuted_lesser_scores(data: bytes, *, expected: int) -> bytes:
    """Leave the expected class its score, and give each other class another one's."""
    model = onnx.load_model_from_string(data)
    classes = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    lesser = [number for number in range(classes) if number != expected]
    order = np.arange(classes)
    order[lesser] = np.roll(lesser, len(lesser) // 2)
    output, inner = _inner_output(model.graph)
    model.graph.node.append(
        helper.make_node("Gather", [inner, _constant(model.graph, "order", order)], [output], axis=1)
    )
    return _checked(model)


def with_flattened_probabilities(data: bytes, *, temperature: float) -> bytes:
    """Divide the scores by a temperature before the Softmax that the model ends with."""
    model = onnx.load_model_from_string(data)
    position, softmax = _producer(model.graph, model.graph.output[0].name)
    if softmax.op_type != "Softmax":
        raise ValueError(f"the model ends with {softmax.op_type}; accepted: Softmax")
    divisor = _constant(model.graph, "temperature", np.array(temperature, np.float32))
    model.graph.node.insert(position, helper.make_node("Div", [softmax.input[0], divisor], ["flattened"]))
    model.graph.node[position + 1].input[0] = "flattened"
    return _checked(model)


def with_reversed_channels(data: bytes) -> bytes:
    """Take a picture's BGR for RGB; the model's input is NCHW."""
    model = onnx.load_model_from_string(data)
    image = model.graph.input[0].name
    for node in model.graph.node:
        node.input[:] = ["reversed" if name == image else name for name in node.input]
    order = _constant(model.graph, "bgr", np.array([2, 1, 0]))
    model.graph.node.insert(0, helper.make_node("Gather", [image, order], ["reversed"], axis=1))
    return _checked(model)


def with_half_the_stem(data: bytes) -> bytes:
    """Zero every second filter of the first convolution, and its bias."""

    def halved(values: NDArray[np.generic]) -> NDArray[np.generic]:
        half = values.copy()
        half[::2] = 0
        return half

    model = onnx.load_model_from_string(data)
    for name in _stem(model.graph).input[1:]:
        _change(model.graph, name, halved)
    return _checked(model)


def with_scaled_stem(data: bytes, *, factor: float) -> bytes:
    """Scale the first convolution's kernel, as if all pictures had been scaled."""
    model = onnx.load_model_from_string(data)
    _change(model.graph, _stem(model.graph).input[1], lambda values: np.multiply(values, factor, dtype=values.dtype))
    return _checked(model)


def with_shifted_rows(data: bytes) -> bytes:
    """Answer each picture of a batch with the scores of the one before it, and the first with the last's."""
    model = onnx.load_model_from_string(data)
    graph = model.graph
    output, inner = _inner_output(graph)
    bounds = {"start": 0, "last": -1, "end": _END, "rows": 0}
    start, last, end, rows = (_constant(graph, name, np.array([value])) for name, value in bounds.items())
    graph.node.extend(
        [
            helper.make_node("Slice", [inner, last, end, rows], ["last_row"]),
            helper.make_node("Slice", [inner, start, last, rows], ["other_rows"]),
            helper.make_node("Concat", ["last_row", "other_rows"], [output], axis=0),
        ]
    )
    return _checked(model)


def _stem(graph: GraphProto) -> NodeProto:
    stem: NodeProto = next(node for node in graph.node if node.op_type == "Conv")
    return stem


def _producer(graph: GraphProto, tensor: str) -> tuple[int, NodeProto]:
    return next((position, node) for position, node in enumerate(graph.node) if tensor in node.output)


def _inner_output(graph: GraphProto) -> tuple[str, str]:
    """Free the first output's name for a node to come; return it and the tensor's new name."""
    output = graph.output[0].name
    inner = f"{output}.right"
    for node in graph.node:
        node.input[:] = [inner if name == output else name for name in node.input]
        node.output[:] = [inner if name == output else name for name in node.output]
    return output, inner


def _constant(graph: GraphProto, name: str, values: NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name


def _change(graph: GraphProto, name: str, change: Callable[[NDArray[np.generic]], NDArray[np.generic]]) -> None:
    tensor = next(tensor for tensor in graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(tensor)), name))


def _checked(model: ModelProto) -> bytes:
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data
