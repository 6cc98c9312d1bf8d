from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from contract.comparison import LOGITS, compared
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value
from model_build.adapt import Classifier, classifier_from_original, original_from_onnx
from model_build.errors import AdaptError, TargetError
from model_build.scoring import LoadedModel, Tensor
from model_build.tensorrt.device import Machine, Version
from model_build.tensorrt.precision import onnx_in_precision, refuse_precision
from tests.unit.model_build.onnx_device import H800

IMAGES: Tensor = np.random.default_rng(0).standard_normal((2, 3, 224, 224), np.float32)


def classifier(data: bytes, images: Tensor = IMAGES) -> Classifier:
    return classifier_from_original(original_from_onnx(data, name="model"), images, scale=LOGITS, max_batch_size=8)


def best(row: Sequence[float]) -> list[int]:
    return np.argsort(-np.asarray(row))[:5].tolist()


@pytest.mark.parametrize("version", [(8, 6, 1), (9, 3, 0)])
def test_half_precision_is_refused_where_the_builder_would_choose_it(version: Version) -> None:
    with pytest.raises(
        TargetError, match=r"^fp16 needs TensorRT 10\.0 or newer, this is .*; accepted: precision fp32 or tf32$"
    ):
        refuse_precision("fp16", Machine(version=version, gpu=H800))


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("fp32", (8, 6, 1)),
        ("fp32", (11, 2, 1)),
        ("tf32", (8, 6, 1)),
        ("fp16", (10, 0, 0)),
        ("fp16", (10, 6, 0)),
        ("fp16", (11, 0, 0)),
    ],
)
def test_each_precision_is_built_by_what_can(name: str, version: Version) -> None:
    refuse_precision(name, Machine(version=version, gpu=H800))


@pytest.mark.parametrize("name", ["fp32", "tf32"])
def test_single_precision_is_the_adapted_model_itself(tiny_classifier: Callable[..., bytes], name: str) -> None:
    adapted = classifier(tiny_classifier())
    assert onnx_in_precision(adapted, name) == adapted.onnx


def test_half_precision_keeps_the_contract_and_halves_the_weights(tiny_classifier: Callable[..., bytes]) -> None:
    half = onnx.load_model_from_string(onnx_in_precision(classifier(tiny_classifier()), "fp16"))
    ends = [*half.graph.input, *half.graph.output]
    assert [value.name for value in ends] == ["input", "output"]
    assert {value.type.tensor_type.elem_type for value in ends} == {TensorProto.FLOAT}
    assert {value.type.tensor_type.shape.dim[0].dim_param for value in ends} == {"N"}
    assert TensorProto.FLOAT not in {tensor.data_type for tensor in half.graph.initializer}


def test_a_model_that_the_converter_cannot_take_is_one_line(
    tiny_classifier: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a tensor\nand more")

    monkeypatch.setattr("onnxconverter_common.float16.convert_float_to_float16", fail)
    with pytest.raises(AdaptError, match=r"^the model cannot be converted to half precision: "):
        onnx_in_precision(classifier(tiny_classifier()), "fp16")


def test_the_real_classifier_in_half_precision_answers_alike(shared_models: Path) -> None:
    picture = picture_from_bytes((shared_models / "mug.jpg").read_bytes(), name="mug.jpg")
    images = np.stack(
        [
            tensor_from_picture(picture, preprocessing_from_value(name, (3, 224, 224)))
            for name in ("imagenet", "inception")
        ]
    )
    adapted = classifier((shared_models / "squeezenet1.1.onnx").read_bytes(), images)
    half = LoadedModel(onnx_in_precision(adapted, "fp16"), name="half").run(images)["output"].tolist()
    for row, expected in zip(half, adapted.scores(images).tolist(), strict=True):
        figures = compared(row, expected, scale=LOGITS)
        assert 0 < figures.largest < 0.02
        assert best(row) == best(expected)
