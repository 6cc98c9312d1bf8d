import pytest

from model_build.errors import TargetError
from model_build.repository import TARGETS, target_named


@pytest.mark.parametrize(
    ("name", "precision"), [("onnxruntime", "fp32"), ("tensorrt", "fp32"), ("tensorrt", "tf32"), ("tensorrt", "fp16")]
)
def test_a_target_is_known_by_its_name(name: str, precision: str) -> None:
    assert target_named(name, precision=precision) is TARGETS[name]


@pytest.mark.parametrize(
    ("name", "precision", "reason"),
    [
        ("torch", "fp32", "target torch is unknown; accepted: onnxruntime, tensorrt"),
        ("tensorrt", "int8", "target tensorrt is not built in precision int8; accepted: fp32, tf32, fp16"),
        ("onnxruntime", "fp16", "target onnxruntime is not built in precision fp16; accepted: fp32"),
    ],
)
def test_what_is_not_built_is_refused(name: str, precision: str, reason: str) -> None:
    with pytest.raises(TargetError) as raised:
        target_named(name, precision=precision)
    assert str(raised.value) == reason
