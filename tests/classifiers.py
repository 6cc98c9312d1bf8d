"""Small ONNX classifiers: one whose answer to a plain colour is known, and one with random layers.

They are deterministic, and built in milliseconds as valid models of opset 13.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper

COLOURS: Final = {
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
}
"""The colour that each class of a three-channel colour classifier answers to, in the classes' order."""

FEATURES: Final = 16
"""How many values the auxiliary output "features" has."""

_RGB: Final = len("RGB")
_GAIN: Final = 4.0
_STEM_FILTERS: Final = 24
_WIDTHS: Final = (48, 64)
_TAIL: Final = 3
"""Degrees of freedom of the t distribution that the last layer's weights are drawn from."""
_CALIBRATION_SIDE: Final = 64
_CALIBRATION_PICTURES: Final = 32

Array = NDArray[np.generic]
Auxiliary = Literal["features", "logits"]


@dataclass(frozen=True)
class _Network:
    """A graph in the making.

    Attributes:
        dtype: of weights, and so of all layers.
    """

    dtype: type[np.generic] = np.float32
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def node(self, operator: str, name: str, *sources: str | Array, **attributes: Any) -> str:
        """Add a node, its weights beside it; its one result has its name."""
        inputs = [
            source if isinstance(source, str) else self._weight(f"{name}.{position}", source)
            for position, source in enumerate(sources)
        ]
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def _weight(self, name: str, values: Array) -> str:
        array = values if values.dtype == np.int64 else values.astype(self.dtype)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def onnx(self, image: ValueInfoProto, *outputs: ValueInfoProto) -> bytes:
        """Return the checked model's file."""
        graph = helper.make_graph(self.nodes, "classifier", [image], outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def colour_classifier(
    *,
    side: int | tuple[int, int] = 224,
    channels: Literal[1, 3] = 3,
    dtype: int = TensorProto.FLOAT,
    channels_last: bool = False,
    dynamic_sides: bool = False,
    batch: Literal["N", 1] = "N",
    classes: int = 4,
    scores: Literal["logits", "probabilities"] = "logits",
    auxiliary: Auxiliary | None = None,
    spatial_scores: bool = False,
    fixed_reshape: bool = False,
    input_name: str = "data",
    output_name: str = "scores",
    bias: float = 0.0,
) -> bytes:
    """Average each plane, then one linear layer: a plain picture is answered by its colour's place in `COLOURS`.

    So it is for pixels of any range that starts at 0 or is centred on it. Of one channel, class 0 is black and 1 is
    white. The classes behind the colours never win, and each has a score of its own.

    Args:
        side: of the picture, or its height and width.
        dtype: ``TensorProto.FLOAT``, ``FLOAT16``, or ``UINT8``: 0 to 255, scaled to [-1, 1] inside.
        channels_last: the input is NHWC, not NCHW.
        dynamic_sides: height and width are declared free.
        batch: 1 for a model that is declared to take one picture alone.
        auxiliary: a second output: "features" [N,16], or other "logits" [N,classes] that answer wrongly.
        spatial_scores: the scores are [N,classes,1,1].
        fixed_reshape: the scores are brought into shape for a batch of 1, whatever ``batch`` declares.
        bias: is added to each score, NaN too.
    """
    height, width = side if isinstance(side, tuple) else (side, side)
    sides: tuple[int | str, int | str] = ("H", "W") if dynamic_sides else (height, width)
    float_type = TensorProto.FLOAT16 if dtype == TensorProto.FLOAT16 else TensorProto.FLOAT
    network = _Network(np.float16 if float_type == TensorProto.FLOAT16 else np.float32)

    kernel, biases = _colour_weights(classes, channels)
    pooled = network.node(
        "GlobalAveragePool", "pooled", _planes(network, input_name, dtype, channels_last=channels_last)
    )
    flat = network.node("Conv", "spatial", pooled, kernel, biases + bias)
    if fixed_reshape:
        flat = network.node("Reshape", "flat", flat, np.array([1, classes], np.int64))
    elif not spatial_scores:
        flat = network.node("Flatten", "flat", flat)
    last = ("Softmax", {"axis": 1}) if scores == "probabilities" else ("Identity", {})
    network.node(last[0], output_name, flat, **last[1])

    outputs = [(output_name, [batch, classes, 1, 1] if spatial_scores else [batch, classes])]
    if auxiliary:
        outputs.append((auxiliary, [batch, _auxiliary(network, auxiliary, pooled, kernel)]))
    image = [batch, *sides, channels] if channels_last else [batch, channels, *sides]
    return network.onnx(
        helper.make_tensor_value_info(input_name, dtype, image),
        *(helper.make_tensor_value_info(name, float_type, shape) for name, shape in outputs),
    )


def _auxiliary(network: _Network, name: Auxiliary, pooled: str, kernel: NDArray[np.float64]) -> int:
    """Add the second output, and return how many values it has for a picture."""
    random = np.random.default_rng(0)
    features = random.normal(size=(FEATURES, *kernel.shape[1:]))
    others = np.roll(kernel, 1, axis=0) if name == "logits" else features
    network.node("Flatten", name, network.node("Conv", f"{name}.spatial", pooled, others))
    return len(others)


def _planes(network: _Network, source: str, dtype: int, *, channels_last: bool) -> str:
    """Bring a picture to floats, NCHW."""
    if channels_last:
        source = network.node("Transpose", "planes", source, perm=[0, 3, 1, 2])
    if dtype == TensorProto.UINT8:
        pixels = network.node("Cast", "pixels", source, to=TensorProto.FLOAT)
        source = network.node("Sub", "centred", network.node("Div", "scaled", pixels, np.array(127.5)), np.array(1.0))
    return source


def _colour_weights(classes: int, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the kernel (classes,channels,1,1) and the bias (classes,) by which each colour's class wins."""
    black, white = np.full((1, channels), -0.5), np.full((1, channels), 0.5)
    colours = np.concatenate([black, np.eye(channels) if channels == _RGB else white, white][: 2 + channels // _RGB])
    kernel = np.zeros((classes, channels))
    kernel[: len(colours)] = colours[:classes]
    biases = -np.arange(classes) / classes
    biases[: len(colours)] = 0
    biases[0] = 0.25  # so that black wins where black is 0
    return _GAIN * kernel[..., np.newaxis, np.newaxis], _GAIN * biases


def convolutional_classifier(
    *, classes: int = 1000, side: int = 224, seed: int = 0, probabilities: bool = False
) -> bytes:
    """Return a small random network, whose scores depend on a picture's colours and on what is where in it.

    Stem 3x3 of stride 2 with its BatchNorm, two depthwise and pointwise pairs, global pooling, one linear layer:
    ``data`` float32 [N,3,side,side] to ``scores`` float32 [N,classes]. Its pooled features have mean 0 and deviation
    1 over pictures of noise, as training would leave them, so that unlike pictures get unlike scores; and few of its
    classes have large weights, so that some pictures get a class with certainty.
    """
    random = np.random.default_rng(seed)
    network = _Network()
    features, width = _features(network, random)
    pooled_shape = helper.make_tensor_value_info(features, TensorProto.FLOAT, ["N", width, 1, 1])
    measured = network.onnx(_image_info("N", _RGB, _CALIBRATION_SIDE, _CALIBRATION_SIDE), pooled_shape)
    mean, deviation = _statistics(measured, random)

    normal = network.node("BatchNormalization", "normal", features, np.ones(width), np.zeros(width), mean, deviation**2)
    head = random.standard_t(_TAIL, (width, classes)) / np.sqrt(width)
    flat = network.node("Flatten", "flat", normal)
    scores = network.node("Gemm", "logits" if probabilities else "scores", flat, head, np.zeros(classes))
    if probabilities:
        network.node("Softmax", "scores", scores, axis=1)
    return network.onnx(
        _image_info("N", _RGB, side, side), helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", classes])
    )


def _features(network: _Network, random: np.random.Generator) -> tuple[str, int]:
    """Add the layers up to the pooled features, and return their name and number."""

    def convolved(source: str, name: str, *shape: int) -> str:
        """Convolve by a kernel (out, in, height, width), normalise, rectify: 3x3 halves a picture's sides."""
        filters, inputs, size, _ = shape
        kernel = random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        if size == 1:  # what all pictures share would else grow from layer to layer
            kernel -= kernel.mean(axis=1, keepdims=True)
        source = network.node(
            "Conv", name, source, kernel,
            strides=[min(size, 2)] * 2, pads=[size // 2] * 4, group=filters if inputs == 1 else 1,
        )  # fmt: skip
        scale, offset = random.uniform(0.8, 1.2, filters), random.normal(0, 0.1, filters)
        mean, variance = np.zeros(filters), np.ones(filters)
        normal = network.node("BatchNormalization", f"{name}.norm", source, scale, offset, mean, variance)
        return network.node("Relu", f"{name}.relu", normal)

    x, filters = convolved("data", "stem", _STEM_FILTERS, _RGB, 3, 3), _STEM_FILTERS
    for number, width in enumerate(_WIDTHS, 1):
        x = convolved(x, f"depthwise{number}", filters, 1, 3, 3)
        x, filters = convolved(x, f"pointwise{number}", width, filters, 1, 1), width
    return network.node("GlobalAveragePool", "pooled", x), filters


def _statistics(features: bytes, random: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Measure the features' mean and deviation over tinted pictures of coarse and fine noise."""
    shape = (_CALIBRATION_PICTURES, _RGB, _CALIBRATION_SIDE, _CALIBRATION_SIDE)
    coarse = random.uniform(-1, 1, (*shape[:2], 4, 4)).repeat(shape[2] // 4, axis=2).repeat(shape[3] // 4, axis=3)
    tints, contrasts = random.uniform(-2, 2, (*shape[:2], 1, 1)), random.uniform(0, 1, (shape[0], 1, 1, 1))
    pictures = (tints + coarse + contrasts * random.uniform(-1, 1, shape)).astype(np.float32)
    (values,) = onnxruntime.InferenceSession(features).run(None, {"data": pictures})
    pooled = np.asarray(values, np.float64).reshape(_CALIBRATION_PICTURES, -1)
    # coarsely, so that no CPU's own rounding shows in the model's bytes
    return pooled.mean(axis=0).round(3), pooled.std(axis=0).round(3) + 1e-3


def _image_info(*shape: int | str) -> ValueInfoProto:
    return helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)


def with_external_weights(data: bytes, folder: Path) -> Path:
    """Write a model whose weights lie in a second file, `model.onnx.data`, as PyTorch's exporter does."""
    path = folder / "model.onnx"
    onnx.save_model(
        onnx.load_model_from_string(data), path,
        save_as_external_data=True, location=f"{path.name}.data", size_threshold=0,
    )  # fmt: skip
    return path
