"""Folding changes the graph and not the answers; where it could change them it is left."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from model_build.scoring import LoadedModel
from model_build.tensorrt.batch_norm import fold_batch_norms

NORM = ["gamma", "beta", "mean", "variance"]
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.standard_normal((2, 3, 4, 4), np.float32)


def normed(
    *, bias: bool = True, outputs: tuple[str, ...] = ("scores",), before: str = "Conv", **attributes: Any
) -> ModelProto:
    """Make a convolution and its BatchNormalization, with a variance of 40,000."""
    arrays = {
        "kernel": RANDOM.standard_normal((5, 3, 3, 3)),
        "bias": RANDOM.standard_normal(5),
        "gamma": RANDOM.uniform(50, 200, 5),
        "beta": RANDOM.standard_normal(5),
        "mean": RANDOM.standard_normal(5),
        "variance": np.full(5, 40_000),
    }
    weights = ["kernel", "bias"] if bias else ["kernel"]
    nodes = [
        helper.make_node(before, ["images", *weights], ["felt"]),
        helper.make_node("BatchNormalization", ["felt", *NORM], ["normed"], **attributes),
        helper.make_node("Relu", ["normed"], ["scores"]),
    ]
    if before != "Conv":
        nodes[0] = helper.make_node("Conv", ["images", *weights], ["half"])
        nodes.insert(1, helper.make_node(before, ["half"], ["felt"]))
    graph = helper.make_graph(
        nodes,
        "normed",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, 4, 4])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 5, 2, 2]) for name in outputs],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def folded(model: ModelProto) -> tuple[list[str], float]:
    """Fold, and return the operators that are left and the largest difference of an answer."""
    before = LoadedModel(model.SerializeToString(), name="before").run(IMAGES)
    fold_batch_norms(model.graph)
    onnx.checker.check_model(model)
    after = LoadedModel(model.SerializeToString(), name="after").run(IMAGES)
    assert before.keys() == after.keys()
    difference = max(float(np.abs(before[name] - after[name]).max()) for name in before)
    return [node.op_type for node in model.graph.node], difference


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("attributes", [{}, {"epsilon": 1e4}])
def test_a_norm_after_a_convolution_is_part_of_it(*, bias: bool, attributes: dict[str, float]) -> None:
    operators, difference = folded(normed(bias=bias, **attributes))
    assert operators == ["Conv", "Relu"]
    assert difference < 1e-5


def test_a_norm_after_anything_else_stays() -> None:
    assert folded(normed(before="Relu")) == (["Conv", "Relu", "BatchNormalization", "Relu"], 0)


def test_a_convolution_that_somebody_else_looks_at_stays() -> None:
    assert folded(normed(outputs=("scores", "felt"))) == (["Conv", "BatchNormalization", "Relu"], 0)


def test_a_convolution_that_an_inner_graph_looks_at_stays() -> None:
    model = normed()
    body = helper.make_graph(
        [helper.make_node("ReduceMax", ["felt"], ["most"], keepdims=0)],
        "body",
        [],
        [helper.make_tensor_value_info("most", TensorProto.FLOAT, [])],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))  # noqa: FBT003
    model.graph.node.append(helper.make_node("If", ["always"], ["peak"], then_branch=body, else_branch=body))
    model.graph.output.append(helper.make_tensor_value_info("peak", TensorProto.FLOAT, []))
    assert folded(model) == (["Conv", "BatchNormalization", "Relu", "If"], 0)


def test_weights_that_are_shared_stay() -> None:
    model = normed()
    model.graph.node.append(helper.make_node("Conv", ["images", "kernel"], ["again"]))
    model.graph.output.append(helper.make_tensor_value_info("again", TensorProto.FLOAT, ["N", 5, 2, 2]))
    assert folded(model) == (["Conv", "BatchNormalization", "Relu", "Conv"], 0)


def test_weights_that_are_computed_stay() -> None:
    model = normed()
    model.graph.node.insert(0, helper.make_node("Abs", ["kernel"], ["computed"]))
    model.graph.node[1].input[1] = "computed"
    assert folded(model) == (["Abs", "Conv", "BatchNormalization", "Relu"], 0)


def test_a_norm_that_learns_stays() -> None:
    model = normed(training_mode=1)
    model.graph.node[1].output.extend(["next_mean", "next_variance"])
    fold_batch_norms(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Conv", "BatchNormalization", "Relu"]
