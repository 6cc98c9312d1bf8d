from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

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


def test_scores_without_a_batch_are_refused(tmp_path: Path) -> None:
    """As of a model that was exported with a squeeze of everything at its end."""
    graph = helper.make_graph(
        [helper.make_node("GlobalAveragePool", ["data"], ["pooled"]), helper.make_node("Squeeze", ["pooled"], ["s"])],
        "squeezed",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("s", TensorProto.FLOAT, [3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    refused = inspected(tmp_path, model.SerializeToString())["refused"]
    assert refused["key"] == "output"
    assert "its output 's' is [3]" in refused["found"]


@pytest.mark.parametrize("sides", [(16385, 4), (4, 10**9)])
def test_pictures_that_nobody_has_are_refused(tiny_classifier: Tiny, tmp_path: Path, sides: tuple[int, int]) -> None:
    refused = inspected(tmp_path, tiny_classifier(side=sides))["refused"]
    assert refused["accepted"] == "a height and a width of at most 16384"


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
