from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from model_build.adapt import original_from_onnx
from model_build.errors import AdaptError, InterfaceError
from tests.classifiers import convolutional_classifier, with_external_weights

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
    assert original.scores(np.ones((2, 3, 224, 224), np.float32)).shape == (2, 4)


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


def test_weights_in_another_file_are_refused_with_the_cure(tmp_path: Path) -> None:
    model = with_external_weights(convolutional_classifier(classes=10), tmp_path)
    message = refusal(model.read_bytes())
    assert "has its weights in a second file, " in message
    assert "; accepted: one file with its weights; make it, beside that file, with python -c" in message


def test_weights_of_a_condition_s_body_in_another_file_are_refused(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    outside = numpy_helper.from_array(np.ones(1, np.float32), "outside")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="weights.bin")
    body = helper.make_graph([helper.make_node("Identity", ["outside"], ["out"])], "body", [], [], [outside])
    model.graph.node.append(helper.make_node("If", ["true"], ["chosen"], then_branch=body, else_branch=body))
    assert "second file, weights.bin" in refusal(model.SerializeToString())


def test_two_inputs_are_refused(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", 1]))
    assert "has 2 inputs (data, mask); accepted: one input, an image" in refusal(model.SerializeToString())


def test_of_two_outputs_one_must_be_named(tiny_classifier: Tiny) -> None:
    data = tiny_classifier(auxiliary="features")
    with pytest.raises(InterfaceError, match=r"has 2 outputs; accepted: source.output, one of ") as raised:
        original_from_onnx(data, name="the model")
    assert (raised.value.key, raised.value.value) == ("output", "scores")
    with pytest.raises(InterfaceError, match=r"has no output 'logits'; accepted: source.output, one of "):
        original_from_onnx(data, name="the model", output="logits")
    assert original_from_onnx(data, name="the model", output="scores").classes == 4


def test_of_two_classifiers_in_one_the_named_one_answers(tiny_classifier: Tiny) -> None:
    data = tiny_classifier(auxiliary="logits")
    red = np.zeros((1, 3, 224, 224), np.float32)
    red[:, 0] = 1
    names = [value.name for value in onnx.load_model_from_string(data).graph.output]
    tops = {name: int(original_from_onnx(data, name="m", output=name).scores(red)[0].argmax()) for name in names}
    assert tops.pop("scores") == 1
    assert 1 not in tops.values()


@pytest.mark.parametrize(
    ("options", "image_size", "shape"),
    [
        ({"side": 299}, None, (3, 299, 299)),
        ({"side": 299}, (299, 299), (3, 299, 299)),
        ({"dynamic_sides": True}, None, (3, 224, 224)),
        ({"dynamic_sides": True}, (320, 240), (3, 320, 240)),
        ({"side": 28, "channels": 1, "channels_last": True}, None, (1, 28, 28)),
    ],
    ids=str,
)
def test_height_width_and_channels_are_the_model_s_own(
    tiny_classifier: Tiny, options: dict[str, Any], image_size: tuple[int, int] | None, shape: tuple[int, int, int]
) -> None:
    original = original_from_onnx(tiny_classifier(**options), name="the model", image_size=image_size)
    assert original.interface.shape == shape


def test_a_size_that_is_not_the_model_s_is_refused(tiny_classifier: Tiny) -> None:
    with pytest.raises(InterfaceError, match="takes images of 224x224, not of 299x299; accepted: ") as raised:
        original_from_onnx(tiny_classifier(), name="the model", image_size=(299, 299))
    assert (raised.value.key, raised.value.value) == ("imageSize", [224, 224])


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        (("N", 4, 224, 224), "'data' is FLOAT [N,4,224,224]"),
        ((8, 3, 224, 224), "'data' is FLOAT [8,3,224,224]"),
    ],
)
def test_another_shape_is_refused(shape: tuple[int | str, ...], found: str) -> None:
    assert f"{found}; accepted: [N,C,H,W]" in refusal(pooled(shape).SerializeToString())


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
    model = onnx.load_model_from_string(tiny_classifier(output_name="own"))
    model.graph.node.append(helper.make_node("ArgMax", ["own"], ["best"], axis=1))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("best", TensorProto.INT64, ["N", 1]))
    assert "'best' is INT64 [N,1]; accepted: FLOAT, FLOAT16" in refusal(model.SerializeToString())


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
