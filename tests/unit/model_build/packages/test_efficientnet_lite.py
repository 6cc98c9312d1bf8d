import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from contract.packages import PACKAGES
from contract.pictures import picture_from_bytes, tensor_from_picture
from contract.preprocessing import preprocessing_from_value
from model_build.errors import SourceError
from model_build.packages import onnx_from_package
from model_build.packages.efficientnet_lite import Array, onnx_from_tensors
from model_build.packages.weights import tensors_from_pth
from model_build.scoring import LoadedModel, Scores, Tensor

SHA256 = {
    "efficientnet-lite0": "2677558d55858b4eb95bfa3b071ef7b0122883134cbadc16588c6ef8f27546ec",
    "efficientnet-lite1": "ddee2934606d3236bb2e83683ead6e9d0648bdb2ab17a0115b7e19bbf67b855f",
    "efficientnet-lite2": "3d34ee649142a5231310ffbc65b30eee7d4021628c83087baabe8185bf3aa67c",
}
MUG = 504


@pytest.fixture
def tensors() -> dict[str, Array]:
    model = PACKAGES["efficientnet-lite0"]
    spec = find_spec(model.module)
    assert spec is not None
    assert spec.origin is not None
    return tensors_from_pth((Path(spec.origin).parent / model.file).read_bytes(), name=model.file)


@pytest.fixture
def mug(shared_models: Path) -> Image.Image:
    return picture_from_bytes((shared_models / "mug.jpg").read_bytes(), name="mug.jpg")


def scores(data: bytes, image: Tensor) -> Scores:
    (row,) = LoadedModel(data, name="the package's").run(image[np.newaxis])["logits"]
    return np.asarray(row, np.float32)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_the_file_is_the_same_each_time(name: str) -> None:
    first, again = onnx_from_package(name), onnx_from_package(name)
    assert first == again
    assert hashlib.sha256(first).hexdigest() == SHA256[name]


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_the_model_takes_any_number_of_images_of_its_own_side(name: str) -> None:
    side = PACKAGES[name].side
    data = onnx_from_package(name)
    model = onnx.load_from_string(data)
    loaded = LoadedModel(data, name=name)
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, [each.version for each in model.opset_import]) == (8, [13])
    assert loaded.inputs == {"image": ["N", 3, side, side]}
    assert loaded.run(np.zeros((2, 3, side, side), np.float32))["logits"].shape == (2, 1000)


def test_the_real_mug_scores_as_it_is_known_to(mug: Image.Image) -> None:
    found = scores(
        onnx_from_package("efficientnet-lite0"),
        tensor_from_picture(mug, preprocessing_from_value("imagenet", (3, 224, 224))),
    )
    expected = {MUG: 11.735, 968: 10.678, 967: 7.195, 809: 5.231, 505: 5.132}
    assert list(np.argsort(-found)[:5]) == list(expected)
    assert {index: float(found[index]) for index in expected} == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_the_real_mug_is_a_mug_under_the_authors_own_preprocessing(name: str, mug: Image.Image) -> None:
    side = PACKAGES[name].side
    preprocessing = preprocessing_from_value(dict(PACKAGES[name].preprocessing), (3, side, side))
    assert (preprocessing.resize, preprocessing.crop) == ((side + 32,), (side, side))
    assert (preprocessing.scale, set(preprocessing.mean), set(preprocessing.std)) == (1, {127}, {128})
    found = scores(onnx_from_package(name), tensor_from_picture(mug, preprocessing))
    assert int(found.argmax()) == MUG


def test_a_weight_that_is_missing_is_named(tensors: dict[str, Array]) -> None:
    del tensors["_blocks.3._bn1.running_var"]
    with pytest.raises(SourceError, match=r"^efficientnet-lite0: its weights lack _blocks\.3\._bn1\.running_var, "):
        onnx_from_tensors(tensors, name="efficientnet-lite0", side=224)


@pytest.mark.parametrize(
    ("key", "other"),
    [("_fc.bias", np.zeros(10, np.float32)), ("_bn0.weight", np.zeros(32)), ("_bn0.num_batches_tracked", np.zeros(1))],
)
def test_a_weight_of_another_shape_or_type_is_named(tensors: dict[str, Array], key: str, other: Array) -> None:
    with pytest.raises(SourceError, match=rf"its weights {key} are .*; accepted: "):
        onnx_from_tensors({**tensors, key: other}, name="efficientnet-lite0", side=224)


def test_a_weight_that_is_none_of_the_network_s_is_named(tensors: dict[str, Array]) -> None:
    with pytest.raises(SourceError, match=r"1 of its weights are none of its own, as _extra$"):
        onnx_from_tensors({**tensors, "_extra": np.zeros(1)}, name="efficientnet-lite0", side=224)
