"""DenseNet-121 with random weights: the onnx package's own graph, which comes without any.

It computes what a trained one computes, layer for layer, and answers at random: it is there to be timed, converted
and compared, not to be right. Whoever expects a class of it asks ONNX Runtime which one it is.

Kernels are drawn as by He et al., 2015, which keeps the activations' size whatever the depth. Behind the first
layer each filter's weights sum to 0: what all inputs share, the positive mean that every ReLU leaves, would else
grow from layer to layer until all pictures got the same scores.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

_GRAPH: Final = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / "light_densenet121.onnx"
_SEED: Final = 121
_ONES: Final = ("/bn_scale_0", "/bn_var_0", "/bn_w_0")
_SHAPE: Final = "__SHAPE"
_STEM: Final = "conv1_w_0"
_HEAD: Final = "fc6_w_0"
_SCORES_GAIN: Final = 16
"""With it a picture's scores have a standard deviation of 1 to 3, as a trained classifier's have."""
_IR_VERSION: Final = 4
"""Before it every weight had to be listed as an input too."""

Floats = NDArray[np.float32]


def densenet_onnx() -> bytes:
    """Return the model's file, the same bytes each time.

    From ``data_0`` float32 [1,3,224,224] to the scores ``fc6_1`` float32 [1,1000,1,1], as the ONNX model zoo's
    DenseNet-121. Its activations and scores are within half precision for preprocessed pictures.
    """
    model = onnx.load(_GRAPH)
    graph = model.graph
    random = np.random.default_rng(_SEED)
    weights = [
        numpy_helper.from_array(_weights(name, shape, random), name)
        for name, shape in map(_name_and_shape, graph.initializer)
    ]
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    images = [value for value in graph.input if value.name == "data_0"]
    for field in (graph.initializer, graph.node, graph.input):
        del field[:]
    graph.initializer.extend(weights)
    graph.node.extend(nodes)
    graph.input.extend(images)
    model.ir_version = _IR_VERSION
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _name_and_shape(tensor: TensorProto) -> tuple[str, list[int]]:
    """Read a weight's name and shape, be it in the graph or the result of a ConstantOfShape that only has its shape."""
    if tensor.name.endswith(_SHAPE):
        return tensor.name.removesuffix(_SHAPE), numpy_helper.to_array(tensor).tolist()
    return tensor.name, list(tensor.dims)


def _weights(name: str, shape: list[int], random: np.random.Generator) -> Floats:
    """Draw a convolution's kernel; a BatchNorm stays what it is before training, and changes nothing."""
    if len(shape) == 1:
        return np.full(shape, name.endswith(_ONES), np.float32)
    kernel = random.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[1:])))
    if name != _STEM:
        kernel -= kernel.mean(axis=(1, 2, 3), keepdims=True)
    return kernel * np.float32(_SCORES_GAIN) if name == _HEAD else kernel
