"""An ONNX model in half precision: what would lose by it stays single, and what cannot be held is refused."""

import warnings
from collections.abc import Iterator
from typing import Final

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from model_build.errors import AdaptError
from model_build.scoring import first_line
from model_build.tensorrt.batch_norm import fold_batch_norms

_LARGEST: Final = float(np.finfo(np.float16).max)
_SMALLEST: Final = float(np.finfo(np.float16).smallest_normal)
_SINGLE: Final = ("BatchNormalization", "LogSoftmax", "Softmax")
"""Operators that stay in single precision: they divide by what may be tiny, or add up what may be huge."""

_FACTORS: Final = {"Conv": [1], "ConvTranspose": [1], "Div": [0, 1], "Gemm": [0, 1], "MatMul": [0, 1], "Mul": [0, 1]}
"""Operators whose result is as far off as one of these inputs is, in relation to it. A term may be: it is added."""

_ACCEPTED_ERROR: Final = 2.0**-9
"""Of a tensor's largest number; rounding to half precision costs a normal number up to 2**-11 of itself."""

_CURE: Final = "or precision fp32 or tf32"


def half_precision_model(model: ModelProto) -> ModelProto:
    """Return the model with half precision weights and layers; its inputs and outputs stay float32.

    BatchNormalization is folded into the convolution before it where there is one. Where there is none it stays in
    single precision, and so do Softmax and LogSoftmax.

    Raises:
        AdaptError: a weight cannot be held in half precision, which names its tensor; or the converter fails, or
            gives no valid model.
    """
    single = ModelProto()
    single.CopyFrom(model)
    fold_batch_norms(single.graph)
    _name_nodes(single.graph)
    try:
        # Here, so that only a half precision build needs the package.
        from onnxconverter_common import float16  # noqa: PLC0415
    except ImportError as error:
        raise AdaptError(f"{error}; accepted: the packages of images/model-build-tensorrt/requirements.lock") from error
    kept = {*float16.DEFAULT_OP_BLOCK_LIST, *_SINGLE}
    for node, position, tensor in _converted_constants(single.graph, kept):
        _refuse_loss(node, position, tensor)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what was let through above
            half: ModelProto = float16.convert_float_to_float16(
                single, min_positive_val=0, max_finite_val=_LARGEST, keep_io_types=True, op_block_list=kept
            )
        onnx.checker.check_model(half)
    except Exception as error:  # it raises whatever its graph walk meets
        raise AdaptError(f"the model cannot be converted to half precision: {first_line(error)}") from error
    return half


def _name_nodes(graph: GraphProto) -> None:
    """Name the nodes that have no name: the converter calls the tensors that it adds by them."""
    for number, node in enumerate(graph.node):
        node.name = node.name or f"unnamed_{node.op_type}_{number}"


def _converted_constants(graph: GraphProto, kept: set[str]) -> Iterator[tuple[NodeProto, int, TensorProto]]:
    """Yield the float32 constants that become half precision, each with the node and the input that it is."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            constants.update((node.output[0], each.t) for each in node.attribute if each.name == "value")
    single = {name for node in graph.node if node.op_type in kept for name in node.input}
    for node in graph.node:
        if node.op_type == "Clip":  # a limit beyond what half precision can hold limits nothing there
            continue
        for position, name in enumerate(node.input):
            if name in constants.keys() - single and constants[name].data_type == TensorProto.FLOAT:
                named = TensorProto()
                named.CopyFrom(constants[name])
                named.name = name
                yield node, position, named


def _refuse_loss(node: NodeProto, position: int, tensor: TensorProto) -> None:
    """See that a constant is about the same number in half precision.

    Raises:
        AdaptError: it is too large, or all of it is so small that what it is multiplied by would be lost.
    """
    values = numpy_helper.to_array(tensor).ravel()
    values = values[np.isfinite(values)]
    magnitudes = np.abs(values)
    largest = float(magnitudes.max(initial=0))
    if largest > _LARGEST:
        raise AdaptError(
            f"the tensor '{tensor.name}' holds {values[magnitudes.argmax()]:.6g}, which half precision cannot; "
            f"accepted: up to ±{_LARGEST:.0f}, {_CURE}"
        )
    error = float(np.abs(values - values.astype(np.float16).astype(np.float32)).max(initial=0))
    if position in _FACTORS.get(node.op_type, []) and error > largest * _ACCEPTED_ERROR:
        raise AdaptError(
            f"the tensor '{tensor.name}' holds nothing beyond ±{largest:.3g}, of which half precision loses "
            f"{error / largest:.1%}; accepted: a largest weight of {_SMALLEST:.1g} or more, {_CURE}"
        )
