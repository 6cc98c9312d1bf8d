from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from model_build.adapt import original_from_onnx
from model_build.errors import AdaptError

Tiny = Callable[..., bytes]


def refusal(data: bytes) -> str:
    with pytest.raises(AdaptError) as raised:
        original_from_onnx(data, name="the model")
    message = str(raised.value)
    assert message.startswith("the model")
    assert "\n" not in message
    return message


def test_a_classifier_is_known_by_its_scores(tiny_classifier: Tiny) -> None:
    original = original_from_onnx(tiny_classifier(spatial_scores=True), name="the model")
    assert original.classes == 4
    assert original.scores(np.ones((2, 3, 224, 224), np.float32)).tolist() == [[0, 1, 1, 1]] * 2


@pytest.mark.parametrize("data", [b"", b"<html>no model here</html>", b"\x00" * 100])
def test_what_is_no_onnx_is_refused(data: bytes) -> None:
    assert "ONNX model" in refusal(data)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_model_is_refused(shared_models: Path, kept: float) -> None:
    data = (shared_models / "squeezenet1.1.onnx").read_bytes()
    assert "truncated" in refusal(data[: int(len(data) * kept)])


def test_a_model_without_nodes_is_refused() -> None:
    model = helper.make_model(helper.make_graph([], "empty", [], []))
    assert "it has no nodes" in refusal(model.SerializeToString())


def test_weights_in_another_file_are_refused(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="weights.bin")
    assert "should be stored in weights.bin" in refusal(model.SerializeToString())


def test_two_inputs_are_refused(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 1]))
    assert "has 2 image inputs (data, mask); accepted: one image input" in refusal(model.SerializeToString())


def test_two_outputs_are_refused(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    model.graph.output.append(helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["N", 3, 1, 1]))
    assert "has 2 score outputs (logits, pooled)" in refusal(model.SerializeToString())


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (("N", 3, 299, 299), "'data' is FLOAT [N,3,299,299]"),
        (("N", 1, 224, 224), "'data' is FLOAT [N,1,224,224]"),
        ((8, 3, 224, 224), "'data' is FLOAT [8,3,224,224]"),
    ],
)
def test_another_shape_is_refused(shape: tuple[int | str, ...], found: str) -> None:
    assert f"{found}; accepted: [N,3,224,224]" in refusal(pooled(shape).SerializeToString())


def test_another_rank_is_refused() -> None:
    model = pooled(("N", 3, 224, 224))
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 1000]))
    assert "'data' is FLOAT [N,1000]; accepted:" in refusal(model.SerializeToString())


@pytest.mark.parametrize("operator", ["Relu", "ReduceMean"])
def test_scores_that_are_no_list_of_classes_are_refused(operator: str) -> None:
    """An image for an image (a segmenter), or one number for an image."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["data"], ["logits"])],
        "other",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 224, 224])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None] * 4)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert "is no classifier: for one image its output 'logits' is [1, " in refusal(model.SerializeToString())


def test_a_class_number_is_no_scores(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier(scores="own"))
    model.graph.node.append(helper.make_node("ArgMax", ["own"], ["best"], axis=1))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("best", TensorProto.INT64, ["N", 1]))
    assert "'best' is INT64 [N,1]; accepted: single or half precision floats" in refusal(model.SerializeToString())


def test_an_operator_that_onnx_runtime_lacks_is_refused(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    assert "ONNX Runtime refuses it: " in refusal(model.SerializeToString())


def test_a_model_that_fails_on_an_image_is_refused() -> None:
    model = pooled(("N", 3, "H", "W"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([7, 7], np.int64), "shape"))
    model.graph.node[-1].CopyFrom(helper.make_node("Reshape", ["pooled", "shape"], ["logits"]))
    assert "ONNX Runtime fails on [1, 3, 224, 224]" in refusal(model.SerializeToString())


def pooled(shape: tuple[int | str, ...]) -> ModelProto:
    """Return a model of one score for each colour plane."""
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["data"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["logits"]),
        ],
        "pooled",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", "C"])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
