from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from model_build.inspection import inspection_from_onnx
from tests.classifiers import convolutional_classifier, with_external_weights

Tiny = Callable[..., bytes]


def inspected(folder: Path, data: bytes, **options: Any) -> dict[str, Any]:
    path = folder / "model.onnx"
    path.write_bytes(data)
    return inspection_from_onnx(path, **({"output": None, "image_size": None} | options))


@pytest.mark.parametrize(
    ("model", "options", "found"),
    [
        ({}, {}, {"shape": [3, 224, 224], "classes": 4, "wholeNumbers": False}),
        ({"side": 299, "classes": 7}, {}, {"shape": [3, 299, 299], "classes": 7, "wholeNumbers": False}),
        ({"dtype": TensorProto.UINT8}, {}, {"shape": [3, 224, 224], "classes": 4, "wholeNumbers": True}),
        (
            {"dynamic_sides": True},
            {"image_size": (99, 88)},
            {"shape": [3, 99, 88], "classes": 4, "wholeNumbers": False},
        ),
        (
            {"auxiliary": "features"},
            {"output": "scores"},
            {"shape": [3, 224, 224], "classes": 4, "wholeNumbers": False},
        ),
    ],
    ids=str,
)
def test_a_model_says_what_it_takes_and_gives(
    tiny_classifier: Tiny, tmp_path: Path, model: dict[str, Any], options: dict[str, Any], found: dict[str, Any]
) -> None:
    assert inspected(tmp_path, tiny_classifier(**model), **options) == found


@pytest.mark.parametrize(
    ("model", "options", "key", "value"),
    [
        ({"auxiliary": "features"}, {}, "output", "scores"),
        ({}, {"output": "logits"}, "output", "scores"),
        ({}, {"image_size": (299, 299)}, "imageSize", [224, 224]),
    ],
)
def test_a_refusal_names_the_key_that_mends_it(
    tiny_classifier: Tiny,
    tmp_path: Path,
    *,
    model: dict[str, Any],
    options: dict[str, Any],
    key: str,
    value: object,
) -> None:
    refused = inspected(tmp_path, tiny_classifier(**model), **options)["refused"]
    assert (refused["key"], refused["value"]) == (key, value)
    assert refused["found"]
    assert refused["accepted"]


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x08\x07"])
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    refused = inspected(tmp_path, data)["refused"]
    assert refused["key"] == "url"
    assert "ONNX model" in refused["found"]


def test_weights_in_a_second_file_are_refused_with_the_cure(tmp_path: Path) -> None:
    model = with_external_weights(convolutional_classifier(classes=10), tmp_path)
    refused = inspection_from_onnx(model, output=None, image_size=None)["refused"]
    assert "second file" in refused["found"]
    assert "python -c" in refused["accepted"]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused = inspection_from_onnx(tmp_path / "none.onnx", output=None, image_size=None)["refused"]
    assert "No such file" in refused["found"]
