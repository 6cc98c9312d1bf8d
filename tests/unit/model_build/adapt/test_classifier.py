from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from contract.comparison import LOGITS
from model_build.adapt import Classifier, Original, classifier_from_original, original_from_onnx
from model_build.errors import AdaptError
from model_build.scoring import Tensor

Tiny = Callable[..., bytes]


def images_of(shape: tuple[int, int, int], *, whole: bool = False) -> Tensor:
    """Return three images of noise, each tinted in its own colour, so that mixing them up shows."""
    random = np.random.default_rng(7)
    values = random.uniform(-1, 1, (3, shape[0], 1, 1)) + random.uniform(-1, 1, (3, *shape))
    return (np.rint((values + 2) * 63) if whole else values).astype(np.float32)


@pytest.fixture
def images() -> Tensor:
    return images_of((3, 224, 224))


def adapted(original: Original, images: Tensor, *, max_batch_size: int) -> Classifier:
    return classifier_from_original(original, images, scale=LOGITS, max_batch_size=max_batch_size)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({}, (3, 224, 224)),
        ({"input_name": "input", "output_name": "output"}, (3, 224, 224)),
        ({"input_name": "output", "output_name": "input"}, (3, 224, 224)),
        ({"input_name": "data_0", "output_name": "fc6_1", "batch": 1, "spatial_scores": True}, (3, 224, 224)),
        ({"channels_last": True}, (3, 224, 224)),
        ({"dynamic_sides": True}, (3, 224, 224)),
        ({"dtype": TensorProto.FLOAT16}, (3, 224, 224)),
        ({"dtype": TensorProto.FLOAT16, "batch": 1, "channels_last": True}, (3, 224, 224)),
        ({"batch": 1, "fixed_reshape": True}, (3, 224, 224)),
        ({"batch": "N", "fixed_reshape": True}, (3, 224, 224)),
        ({"side": 299}, (3, 299, 299)),
        ({"side": (320, 240), "channels_last": True}, (3, 320, 240)),
        ({"side": 28, "channels": 1, "classes": 2}, (1, 28, 28)),
        ({"dtype": TensorProto.UINT8, "channels_last": True}, (3, 224, 224)),
        ({"scores": "probabilities"}, (3, 224, 224)),
        ({"auxiliary": "features", "spatial_scores": True}, (3, 224, 224)),
    ],
    ids=str,
)
def test_any_classifier_gets_the_served_contract(
    tiny_classifier: Tiny, options: dict[str, object], shape: tuple[int, int, int]
) -> None:
    original = original_from_onnx(tiny_classifier(**options), name="tiny", output=options.get("output_name", "scores"))
    images = images_of(shape, whole=options.get("dtype") == TensorProto.UINT8)
    classifier = adapted(original, images, max_batch_size=8)
    model = onnx.load_model_from_string(classifier.onnx)
    onnx.checker.check_model(model, full_check=True)
    classes = options.get("classes", 4)
    assert model.graph.input == [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *shape])]
    assert model.graph.output == [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", classes])]
    assert classifier.batched
    assert (classifier.shape, classifier.classes) == (shape, classes)
    np.testing.assert_allclose(classifier.scores(images), original.scores(images), atol=1e-3)
    np.testing.assert_allclose(classifier.batch_scores(images), original.scores(images), atol=1e-3)


@pytest.mark.parametrize("shape", [[1, -1], [1, 3], [1, 0], [0, -1], [-1, 3]], ids=str)
@pytest.mark.parametrize("batch", ["unk__616", 1])
@pytest.mark.parametrize("constant", ["value", "value_ints", "initializer"])
def test_a_batch_is_freed_however_it_is_held(shape: list[int], batch: str | int, constant: str) -> None:
    sizes = numpy_helper.from_array(np.array(shape, np.int64), "sizes")
    weights = [numpy_helper.from_array(np.eye(3, dtype=np.float32), "weights")]
    nodes = [
        helper.make_node("GlobalAveragePool", ["data"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "sizes"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
    ]
    if constant == "initializer":
        weights.append(sizes)
    else:
        values = {"value": sizes} if constant == "value" else {"value_ints": shape}
        nodes.insert(0, helper.make_node("Constant", [], ["sizes"], **values))
    graph = helper.make_graph(
        nodes,
        "held",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [batch, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 3])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    original = original_from_onnx(model.SerializeToString(), name="held")
    assert adapted(original, images_of((3, 8, 8)), max_batch_size=4).batched


def test_a_reshape_of_before_opset_5_is_left_alone() -> None:
    """It has its shape as an attribute, and no second input."""
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["data"], ["pooled"]),
            helper.make_node("Reshape", ["pooled"], ["scores"], shape=[1, 3]),
        ],
        "old",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 4)], ir_version=3)
    original = original_from_onnx(model.SerializeToString(), name="old")
    assert not adapted(original, images_of((3, 8, 8)), max_batch_size=0).batched


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("opset", [7, 10, 13])
def test_a_model_of_whole_numbers_that_makes_floats_of_them_is_given_floats(
    tiny_classifier: Tiny, opset: int, *, channels_last: bool
) -> None:
    model = onnx.load_model_from_string(tiny_classifier(dtype=TensorProto.UINT8, channels_last=channels_last))
    model.opset_import[0].version = opset
    original = original_from_onnx(model.SerializeToString(), name="tiny")
    images = images_of((3, 224, 224), whole=True)
    classifier = adapted(original, images, max_batch_size=4)
    np.testing.assert_allclose(classifier.batch_scores(images), original.scores(images), atol=1e-3)
    casts = [node for node in onnx.load_model_from_string(classifier.onnx).graph.node if node.op_type == "Cast"]
    assert all(attribute.i == TensorProto.FLOAT for node in casts for attribute in node.attribute)


@pytest.mark.parametrize("opset", [10, 13])
def test_a_model_that_computes_with_whole_numbers_is_given_such(opset: int) -> None:
    """As one that was quantised; before opset 11 ONNX cannot round."""
    graph = helper.make_graph(
        [
            helper.make_node("DequantizeLinear", ["data", "step", "zero"], ["floats"]),
            helper.make_node("GlobalAveragePool", ["floats"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["scores"]),
        ],
        "quantised",
        [helper.make_tensor_value_info("data", TensorProto.UINT8, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3])],
        [
            numpy_helper.from_array(np.array(0.02, np.float32), "step"),
            numpy_helper.from_array(np.array(128, np.uint8), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    original = original_from_onnx(model.SerializeToString(), name="quantised")
    images = images_of((3, 8, 8), whole=True)
    classifier = adapted(original, images, max_batch_size=4)
    np.testing.assert_allclose(classifier.batch_scores(images), original.scores(images), atol=1e-5)
    casts = [node for node in onnx.load_model_from_string(classifier.onnx).graph.node if node.op_type == "Cast"]
    assert [attribute.i for node in casts for attribute in node.attribute] == [TensorProto.UINT8]


def test_what_only_another_output_needs_is_left_out(tiny_classifier: Tiny) -> None:
    original = original_from_onnx(tiny_classifier(auxiliary="logits"), name="tiny", output="scores")
    model = onnx.load_model_from_string(adapted(original, images_of((3, 224, 224)), max_batch_size=0).onnx)
    plain = onnx.load_model_from_string(tiny_classifier())
    assert len(model.graph.initializer) == len(plain.graph.initializer)
    assert len(model.graph.node) == len(plain.graph.node) + 2  # the contract's own, at both ends


def test_a_fixed_batch_does_where_no_batch_is_asked_for(fixed_batch_classifier: bytes, images: Tensor) -> None:
    original = original_from_onnx(fixed_batch_classifier, name="tiny")
    classifier = adapted(original, images, max_batch_size=1)
    assert not classifier.batched
    np.testing.assert_allclose(classifier.scores(images), original.scores(images), atol=1e-4)


def test_a_batch_axis_that_cannot_be_freed_is_refused_where_a_batch_is_asked_for(
    fixed_batch_classifier: bytes, images: Tensor
) -> None:
    original = original_from_onnx(fixed_batch_classifier, name="tiny")
    with pytest.raises(AdaptError, match=r"cannot be served with maxBatchSize 2: .*; accepted: a model with a dynamic"):
        adapted(original, images, max_batch_size=2)


def test_images_that_influence_each_other_are_no_batch(tiny_classifier: Tiny, images: Tensor) -> None:
    model = onnx.load_model_from_string(tiny_classifier(output_name="own"))
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["own"], ["mean"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["own", "mean"], ["logits"]),
        ]
    )
    model.graph.output[0].name = "logits"
    original = original_from_onnx(model.SerializeToString(), name="tiny")
    with pytest.raises(AdaptError, match="3 images score otherwise than by the original, one by one"):
        adapted(original, images, max_batch_size=8)


def test_names_are_freed_inside_conditions_too(tiny_classifier: Tiny, images: Tensor) -> None:
    """The tensor 'output' is also read by the body of an If."""
    model = onnx.load_model_from_string(tiny_classifier(input_name="input", output_name="output"))
    shape = ["N", 4]
    bodies = {
        name: helper.make_graph(
            [helper.make_node(operator, ["output"], [name])],
            name,
            [],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)],
        )
        for name, operator in (("then", "Neg"), ("else", "Identity"))
    }
    true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
    model.graph.initializer.append(true)
    model.graph.node.append(
        helper.make_node("If", ["true"], ["chosen"], then_branch=bodies["then"], else_branch=bodies["else"])
    )
    model.graph.output[0].name = "chosen"
    original = original_from_onnx(model.SerializeToString(), name="tiny")
    classifier = adapted(original, images, max_batch_size=8)
    np.testing.assert_allclose(classifier.batch_scores(images), original.scores(images), atol=1e-4)


def test_weights_listed_as_inputs_are_no_inputs(tiny_classifier: Tiny, images: Tensor) -> None:
    model = onnx.load_model_from_string(tiny_classifier())
    model.ir_version = 3
    model.opset_import[0].version = 8
    model.graph.input.extend(
        helper.make_tensor_value_info(weights.name, weights.data_type, weights.dims)
        for weights in model.graph.initializer
    )
    original = original_from_onnx(model.SerializeToString(), name="tiny")
    classifier = adapted(original, images, max_batch_size=8)
    assert len(onnx.load_model_from_string(classifier.onnx).graph.input) == 1
    np.testing.assert_allclose(classifier.scores(images), original.scores(images), atol=1e-4)


def test_adapting_gives_the_same_bytes_each_time(tiny_classifier: Tiny) -> None:
    data = tiny_classifier(input_name="input", output_name="output")
    first, second = (
        adapted(original_from_onnx(data, name="tiny"), images_of((3, 224, 224)), max_batch_size=0) for _ in range(2)
    )
    assert first.onnx == second.onnx


@pytest.fixture
def fixed_batch_classifier(tiny_classifier: Tiny) -> bytes:
    """Return a classifier that always takes the first row of its scores, and no other."""
    model = onnx.load_model_from_string(tiny_classifier(batch=1, output_name="own"))
    rows = helper.make_tensor("rows", TensorProto.INT64, [1], [0])
    model.graph.initializer.append(rows)
    model.graph.node.append(helper.make_node("Gather", ["own", "rows"], ["logits"], axis=0))
    model.graph.output[0].name = "logits"
    data: bytes = model.SerializeToString()
    return data
