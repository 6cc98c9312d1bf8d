"""What half precision keeps, and what it refuses by name; the answers are ONNX Runtime's."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from model_build.errors import AdaptError
from model_build.scoring import LoadedModel
from model_build.tensorrt.half_precision import half_precision_model

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.standard_normal((4, 3, 4, 4), np.float32)


def model_of(nodes: Sequence[NodeProto], channels: int = 3, **arrays: Any) -> ModelProto:
    """Make a model from ``input`` float32 (N,3,4,4) to ``output``, with what is given as constants."""
    graph = helper.make_graph(
        nodes,
        "model",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 4, 4])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", channels, 4, 4])],
        [numpy_helper.from_array(np.asarray(array, np.float32), name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def answers(model: ModelProto) -> NDArray[np.float32]:
    return np.asarray(LoadedModel(model.SerializeToString(), name="model").run(IMAGES)["output"], np.float32)


def worst_relative_difference(model: ModelProto) -> float:
    expected, half = answers(model), answers(half_precision_model(model))
    return float(np.abs(half - expected).max() / np.abs(expected).max())


def times(weight: Any) -> ModelProto:
    return model_of([helper.make_node("Mul", ["input", "scale"], ["output"])], scale=weight)


NORM = ["gamma", "beta", "mean", "variance"]
STATISTICS: dict[str, Any] = {
    "gamma": [100.0, 200, 300],
    "beta": [0.5, 1, 2],
    "mean": [0.1, 0.2, 0.3],
    "variance": [40_000, 1e6, 9],
}


def test_a_variance_beyond_half_precision_is_folded_into_the_convolution() -> None:
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["felt"]),
        helper.make_node("BatchNormalization", ["felt", *NORM], ["output"]),
    ]
    model = model_of(nodes, kernel=RANDOM.standard_normal((3, 3, 1, 1)), **STATISTICS)
    half = half_precision_model(model)
    assert "BatchNormalization" not in {node.op_type for node in half.graph.node}
    assert worst_relative_difference(model) < 2e-3


def test_a_variance_beyond_half_precision_stays_single_where_there_is_no_convolution() -> None:
    nodes = [
        helper.make_node("Relu", ["input"], ["positive"]),
        helper.make_node("BatchNormalization", ["positive", *NORM], ["normed"]),
        helper.make_node("BatchNormalization", ["normed", *NORM], ["output"]),
    ]
    model = model_of(nodes, **STATISTICS)
    half = half_precision_model(model)
    types = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert types == dict.fromkeys(NORM, TensorProto.FLOAT)
    assert worst_relative_difference(model) < 2e-3


@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
def test_a_softmax_stays_single(operator: str) -> None:
    nodes = [
        helper.make_node("Mul", ["input", "scale"], ["scaled"]),
        helper.make_node(operator, ["scaled"], ["output"], axis=1),
    ]
    half = half_precision_model(model_of(nodes, scale=[2.0]))
    producers = {name: node.op_type for node in half.graph.node for name in node.output}
    (softmax,) = [node for node in half.graph.node if node.op_type == operator]
    assert producers[softmax.input[0]] == "Cast"
    assert worst_relative_difference(model_of(nodes, scale=[2.0])) < 2e-3


@pytest.mark.parametrize("value", [1e5, -1e5])
def test_a_weight_that_is_too_large_is_refused_by_name(value: float) -> None:
    reason = rf"^the tensor 'scale' holds {value:.0f}, which half precision cannot; accepted: up to ±65504, or prec"
    with pytest.raises(AdaptError, match=reason):
        half_precision_model(times([value]))


def test_the_largest_numbers_of_half_precision_are_kept() -> None:
    half = half_precision_model(times([65504.0]))
    (scale,) = half.graph.initializer
    assert numpy_helper.to_array(scale).tolist() == [65504.0]


def test_a_constant_node_is_looked_at_too() -> None:
    constant = helper.make_node("Constant", [], ["scale"], value=numpy_helper.from_array(np.array([1e5], np.float32)))
    with pytest.raises(AdaptError, match=r"^the tensor 'scale' holds 100000, "):
        half_precision_model(model_of([constant, helper.make_node("Mul", ["input", "scale"], ["output"])]))


def test_weights_that_half_precision_all_but_loses_are_refused_by_name() -> None:
    reason = (
        r"^the tensor 'scale' holds nothing beyond ±1\.1e-06, of which half precision loses 2\.\d%; "
        r"accepted: a largest weight of 6e-05 or more, or precision fp32 or tf32$"
    )
    with pytest.raises(AdaptError, match=reason):
        half_precision_model(times([1.1e-6]))


@pytest.mark.parametrize("weights", [[[[1e-9]], [[1.0]], [[0.5]]], [6.2e-5]])
def test_a_tiny_weight_among_others_is_no_loss(weights: Any) -> None:
    assert worst_relative_difference(times(weights)) < 2e-3


def test_a_layer_of_zeros_is_no_loss() -> None:
    assert not answers(half_precision_model(times([0.0]))).any()


def test_a_tiny_term_is_no_loss() -> None:
    model = model_of([helper.make_node("Add", ["input", "term"], ["output"])], term=[1e-9])
    assert worst_relative_difference(model) < 2e-3


def test_a_limit_beyond_half_precision_limits_nothing() -> None:
    model = model_of([helper.make_node("Clip", ["input", "low", "high"], ["output"])], low=0.0, high=3.4e38)
    assert worst_relative_difference(model) < 2e-3


def test_nodes_without_a_name_are_kept_apart() -> None:
    """The converter calls what it adds by the node's name: two without one would be the same."""
    nodes = [
        helper.make_node("BatchNormalization", ["input", *NORM], ["one"]),
        helper.make_node("Relu", ["one"], ["two"]),
        helper.make_node("BatchNormalization", ["two", *NORM], ["three"]),
        helper.make_node("Relu", ["three"], ["four"]),
        helper.make_node("BatchNormalization", ["four", *NORM], ["output"]),
    ]
    assert worst_relative_difference(model_of(nodes, **STATISTICS | {"gamma": [100.0, 900.0, 3.0]})) < 5e-3


def test_the_given_model_is_left_as_it_was() -> None:
    model = times([2.0])
    before = model.SerializeToString()
    half_precision_model(model)
    assert model.SerializeToString() == before
