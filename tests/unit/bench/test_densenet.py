import warnings
from collections import Counter
from itertools import pairwise

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxconverter_common.float16 import convert_float_to_float16

from bench.densenet import densenet_onnx
from contract.comparison import LOGITS
from model_build.adapt import classifier_from_original, original_from_onnx

Tensor = NDArray[np.float32]


@pytest.fixture(scope="module")
def densenet() -> bytes:
    return densenet_onnx()


@pytest.fixture(scope="module")
def images() -> Tensor:
    """Return noise, coarse noise, and a plain colour, all as bright and as rich in contrast as photos are."""
    random = np.random.default_rng(0)
    coarse = random.uniform(-2, 2, (3, 7, 7)).repeat(32, axis=1).repeat(32, axis=2)
    plain = np.broadcast_to(np.array([2, -1.7, -1.6])[:, None, None], (3, 224, 224))
    return np.stack([random.standard_normal((3, 224, 224)), coarse, plain]).astype(np.float32)


def scores_of(model: bytes, images: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(model)
    return np.concatenate([session.run(["fc6_1"], {"data_0": image[None]})[0].reshape(1, -1) for image in images])


def test_it_is_densenet_121_with_weights(densenet: bytes) -> None:
    onnx.checker.check_model(densenet, full_check=True)
    graph = onnx.load_model_from_string(densenet).graph
    operators = Counter(node.op_type for node in graph.node)
    assert (operators["Conv"], operators["Concat"], operators["ConstantOfShape"]) == (121, 58, 0)
    kernels = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer if len(tensor.dims) == 4)
    assert kernels == 7_894_208


def test_its_interface_is_the_zoos(densenet: bytes) -> None:
    session = onnxruntime.InferenceSession(densenet)
    assert [(value.name, value.shape) for value in session.get_inputs()] == [("data_0", [1, 3, 224, 224])]
    assert [(value.name, value.shape) for value in session.get_outputs()] == [("fc6_1", [1, 1000, 1, 1])]


def test_its_bytes_are_the_same_each_time(densenet: bytes) -> None:
    assert densenet_onnx() == densenet


def test_it_can_be_served_in_batches(densenet: bytes, images: Tensor) -> None:
    classifier = classifier_from_original(
        original_from_onnx(densenet, name="DenseNet-121"), images, scale=LOGITS, max_batch_size=8
    )
    assert (classifier.batched, classifier.classes) == (True, 1000)
    assert classifier.batch_scores(images) == pytest.approx(scores_of(densenet, images), abs=1e-3)


def test_its_scores_spread_and_are_each_pictures_own(densenet: bytes, images: Tensor) -> None:
    scores = scores_of(densenet, images)
    assert 0.5 < scores.std(axis=1).min() < scores.std(axis=1).max() < 10
    assert len(set(scores.argmax(axis=1))) == len(images)
    assert max(np.corrcoef(one, other)[0, 1] for one, other in pairwise(scores)) < 0.6


def test_its_activations_are_far_from_the_ends_of_half_precision(densenet: bytes, images: Tensor) -> None:
    model = onnx.load_model_from_string(densenet)
    inner = [node.output[0] for node in model.graph.node if node.op_type in {"Conv", "Concat"}][:-1]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inner)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    sizes = [[np.abs(layer).max() for layer in session.run(inner, {"data_0": image[None]})] for image in images]
    assert 0.1 < np.min(sizes) < np.max(sizes) < 100


def test_half_precision_answers_as_single_does(densenet: bytes, images: Tensor) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of weights near 0 that become 0
        half = convert_float_to_float16(onnx.load_model_from_string(densenet), keep_io_types=True)
    expected, found = scores_of(densenet, images), scores_of(half.SerializeToString(), images)
    assert (np.abs(found - expected).max(axis=1) < 0.02 * expected.std(axis=1)).all()
    assert found.argmax(axis=1).tolist() == expected.argmax(axis=1).tolist()
