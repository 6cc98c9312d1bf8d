from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from model_build.adapt import classifier_from_original, original_from_onnx
from model_build.errors import AdaptError
from model_build.preprocessing import Tensor

Tiny = Callable[..., bytes]


@pytest.fixture
def images() -> Tensor:
    return np.random.default_rng(7).uniform(-2, 2, (3, 3, 224, 224)).astype(np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"image": "input", "scores": "output"},
        {"image": "output", "scores": "input"},
        {"image": "data_0", "scores": "fc6_1", "shape": (1, 3, 224, 224), "spatial_scores": True},
        {"shape": ("N", 224, 224, 3), "channels_last": True},
        {"shape": ("N", 3, "H", "W")},
        {"shape": ("N", "C", "H", "W")},
        {"dtype": TensorProto.FLOAT16},
        {"dtype": TensorProto.FLOAT16, "shape": (1, 224, 224, 3), "channels_last": True},
        {"shape": (1, 3, 224, 224), "fixed_reshape": True},
    ],
    ids=str,
)
def test_any_classifier_gets_the_served_contract(
    tiny_classifier: Tiny, images: Tensor, options: dict[str, object]
) -> None:
    original = original_from_onnx(tiny_classifier(**options), name="tiny")
    classifier = classifier_from_original(original, max_batch_size=8)
    model = onnx.load_model_from_string(classifier.onnx)
    onnx.checker.check_model(model, full_check=True)
    assert model.graph.input == [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, 224, 224])]
    assert model.graph.output == [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 4])]
    assert classifier.batched
    np.testing.assert_allclose(classifier.scores(images), original.scores(images), atol=1e-3)
    np.testing.assert_allclose(classifier.batch_scores(images), original.scores(images), atol=1e-3)


def test_a_fixed_batch_does_where_no_batch_is_asked_for(fixed_batch_classifier: bytes, images: Tensor) -> None:
    original = original_from_onnx(fixed_batch_classifier, name="tiny")
    classifier = classifier_from_original(original, max_batch_size=1)
    assert not classifier.batched
    np.testing.assert_allclose(classifier.scores(images), original.scores(images), atol=1e-4)


def test_a_batch_axis_that_cannot_be_freed_is_refused_where_a_batch_is_asked_for(
    fixed_batch_classifier: bytes,
) -> None:
    original = original_from_onnx(fixed_batch_classifier, name="tiny")
    with pytest.raises(AdaptError, match=r"cannot be served with maxBatchSize 2: .*; accepted: a model with a dynamic"):
        classifier_from_original(original, max_batch_size=2)


def test_images_that_influence_each_other_are_no_batch(tiny_classifier: Tiny) -> None:
    model = onnx.load_model_from_string(tiny_classifier(scores="own"))
    model.graph.node.extend(
        [
            helper.make_node("ReduceMean", ["own"], ["mean"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["own", "mean"], ["logits"]),
        ]
    )
    model.graph.output[0].name = "logits"
    original = original_from_onnx(model.SerializeToString(), name="tiny")
    with pytest.raises(AdaptError, match="2 images at once score otherwise than one by one"):
        classifier_from_original(original, max_batch_size=8)


def test_names_are_freed_inside_conditions_too(tiny_classifier: Tiny, images: Tensor) -> None:
    """The tensor 'output' is also read by the body of an If."""
    model = onnx.load_model_from_string(tiny_classifier(image="input", scores="output"))
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
    classifier = classifier_from_original(original, max_batch_size=8)
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
    classifier = classifier_from_original(original, max_batch_size=8)
    assert len(onnx.load_model_from_string(classifier.onnx).graph.input) == 1
    np.testing.assert_allclose(classifier.scores(images), original.scores(images), atol=1e-4)


def test_adapting_gives_the_same_bytes_each_time(tiny_classifier: Tiny) -> None:
    data = tiny_classifier(image="input", scores="output")
    first, second = (
        classifier_from_original(original_from_onnx(data, name="tiny"), max_batch_size=0) for _ in range(2)
    )
    assert first.onnx == second.onnx


@pytest.fixture
def fixed_batch_classifier(tiny_classifier: Tiny) -> bytes:
    """Return a classifier that always takes the first row of its scores, and no other."""
    model = onnx.load_model_from_string(tiny_classifier(shape=(1, 3, 224, 224), scores="own"))
    rows = helper.make_tensor("rows", TensorProto.INT64, [1], [0])
    model.graph.initializer.append(rows)
    model.graph.node.append(helper.make_node("Gather", ["own", "rows"], ["logits"], axis=0))
    model.graph.output[0].name = "logits"
    data: bytes = model.SerializeToString()
    return data
